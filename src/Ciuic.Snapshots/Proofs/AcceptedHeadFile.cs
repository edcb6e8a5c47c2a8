using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>The state file with the newest tree head accepted of a ledger. See FORMAT.md.</summary>
/// <param name="Location">The bucket, for people who look into the file.</param>
/// <param name="Ledger">The ledger's name.</param>
/// <param name="Head">The tree head.</param>
internal sealed record AcceptedHeadFile(string Location, string Ledger, SignedTreeHead Head)
{
    private const string Header = "ciuic.dev/accepted-head/v1";

    public static async Task<AcceptedHeadFile?> ReadAsync(string path, CancellationToken cancel)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            return Parse(await File.ReadAllTextAsync(path, cancel));
        }
        catch (Exception error) when (error is InvalidInputException or CorruptException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(
                $"The state file '{path}' cannot be read: {error.Message} Without it a rollback of the ledger would go unnoticed; "
                + "delete it only if you know why it is damaged.",
                error);
        }
    }

    /// <summary>
    /// Flushing blocks its thread; a caller with a scheduler of its own (a grain) must not be held up by it. Dying before
    /// the rename leaves the older head, which is a weaker memory and no wrong one.
    /// </summary>
    public Task WriteAsync(string path, CancellationToken cancel) => Task.Run(
        () =>
        {
            try
            {
                Write(path);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new UnavailableException($"The accepted tree head cannot be remembered in '{path}': {error.Message}", error);
            }
        },
        cancel);

    private static AcceptedHeadFile Parse(string text)
    {
        var end = text.IndexOf("\n\n", StringComparison.Ordinal);
        var lines = text[..Math.Max(end, 0)].Split('\n');
        if (lines.Length != 3 || lines[0] != Header || lines[1].LastIndexOf(' ') is not (> 0 and var space))
            throw new InvalidInputException($"it does not begin with {Header} and two more lines");
        var key = VerifierKey.Parse(lines[2]);
        var head = SignedTreeHead.Open(StrictUtf8.Encode(text[(end + 2)..]), key.Name, [key]);
        return new AcceptedHeadFile(lines[1][..space], lines[1][(space + 1)..], head);
    }

    private void Write(string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(folder);
        var temporary = $"{path}.{Path.GetRandomFileName()}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(temporary, options))
        {
            file.Write([.. StrictUtf8.Encode($"{Header}\n{Location} {Ledger}\n{Head.Signer}\n\n"), .. Head.Bytes]);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        DurableFiles.FlushDirectory(folder);
    }
}
