using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>Accepted tree heads in a folder of this machine: one file each.</summary>
/// <param name="directory">The folder; made when needed.</param>
public sealed class HeadFiles(string directory) : IHeadMemory
{
    private const string Extension = ".accepted-head";

    private readonly string _directory = Path.GetFullPath(directory);

    /// <inheritdoc/>
    public string PlaceOf(string name) => Path.Combine(_directory, name + Extension);

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, string>> ReadAllAsync(CancellationToken cancel)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!Directory.Exists(_directory))
            return all;
        foreach (var path in Directory.EnumerateFiles(_directory, $"*{Extension}"))
        {
            try
            {
                all[Path.GetFileNameWithoutExtension(path)] = await File.ReadAllTextAsync(path, cancel);
            }
            catch (FileNotFoundException)
            {
                // Another process has put it together with a newer one.
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new InvalidInputException(
                    $"The state file '{path}' cannot be read: {error.Message} Without it a rollback of the ledger would go unnoticed.", error);
            }
        }

        return all;
    }

    /// <summary>
    /// Flushing blocks its thread; a caller with a scheduler of its own (a grain) must not be held up by it. Dying before
    /// the rename leaves the older head, which is a weaker memory and no wrong one.
    /// </summary>
    /// <inheritdoc/>
    public Task<bool> TryWriteAsync(string name, string? before, string text, CancellationToken cancel) => Task.Run(
        () =>
        {
            var path = PlaceOf(name);
            try
            {
                Write(path, text);
                return true;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new UnavailableException($"The accepted tree head cannot be remembered in '{path}': {error.Message}", error);
            }
        },
        cancel);

    /// <inheritdoc/>
    public Task ForgetAsync(string name, CancellationToken cancel)
    {
        try
        {
            File.Delete(PlaceOf(name));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It says nothing that the one written before does not.
        }

        return Task.CompletedTask;
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(_directory);
        var temporary = $"{path}.{Path.GetRandomFileName()}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(temporary, options))
        {
            file.Write(StrictUtf8.Encode(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        DurableFiles.FlushDirectory(_directory);
    }
}
