using System.Globalization;
using System.Text.Json;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Client;

/// <summary>
/// The saves of one run that wait on this machine's disk. One process at a time has it open. A save is there once its record is, which
/// is written last; what a crash leaves of others is removed when the next record goes.
/// </summary>
internal sealed class Spool : IDisposable
{
    private const string RecordsPrefix = "saves/";

    private readonly FileStream _lock;

    private Spool(string folder, FileStream taken) => (Folder, _lock, Disk) = (folder, taken, new FileObjectStore(Path.Combine(folder, "bucket")));

    /// <summary>Where it is.</summary>
    public string Folder { get; }

    /// <summary>Holds chunks and records.</summary>
    public FileObjectStore Disk { get; }

    /// <summary>Opens a run's spool, making it where there is none.</summary>
    /// <param name="directory">Holds those of all runs.</param>
    /// <param name="run">The run.</param>
    /// <exception cref="ConflictException">Another process has it open.</exception>
    /// <exception cref="UnavailableException">The folder cannot be made.</exception>
    public static Spool Open(string directory, RunId run)
    {
        var folder = FolderOf(directory, run);
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UnavailableException($"The spool '{folder}' cannot be made: {error.Message}", error);
        }

        try
        {
            return new Spool(folder, new FileStream(Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ConflictException($"The spool '{folder}' is in use: the process that trains run {run} has it. {error.Message}", error);
        }
    }

    /// <summary>Whether a run has a spool, empty or not.</summary>
    public static bool Exists(string directory, RunId run) => directory.Length > 0 && Directory.Exists(FolderOf(directory, run));

    /// <summary>All saves, in the order in which they were made.</summary>
    /// <exception cref="CorruptException">A record cannot be read.</exception>
    public async Task<List<(ObjectKey Key, SpooledSave Save)>> ListAsync(CancellationToken cancel)
    {
        var keys = new List<ObjectKey>();
        await foreach (var found in Disk.ListAsync(RecordsPrefix, cancel))
            keys.Add(found.Key);
        var saves = new List<(ObjectKey, SpooledSave)>();
        foreach (var key in keys.OrderBy(k => k.Path, StringComparer.Ordinal))
            saves.Add((key, await ReadAsync(key, cancel)));
        return saves;
    }

    /// <summary>Adds a save whose chunks are there.</summary>
    public async Task AddAsync(SpooledSave save, DateTimeOffset now, CancellationToken cancel)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{RecordsPrefix}{now:yyyyMMddTHHmmss.fffffff}-{save.Plan.Step}");
        await Disk.CreateAsync(new ObjectKey(name), JsonSerializer.SerializeToUtf8Bytes(save, SpoolJson.Default.SpooledSave), cancel);
    }

    /// <summary>Puts another record in the place of one.</summary>
    public Task ReplaceAsync(ObjectKey key, SpooledSave save, CancellationToken cancel) =>
        Disk.PutAsync(key, JsonSerializer.SerializeToUtf8Bytes(save, SpoolJson.Default.SpooledSave), cancel);

    /// <summary>Removes a save, and chunks that no other one needs.</summary>
    public async Task RemoveAsync(ObjectKey key, CancellationToken cancel)
    {
        await Disk.DeleteAsync(key, cancel);
        var needed = (await ListAsync(cancel))
            .SelectMany(s => s.Save.At(SpooledSave.Placeholder).Chunks)
            .Select(c => BucketLayout.Chunk(c))
            .ToHashSet();
        var lost = new List<ObjectKey>();
        await foreach (var found in Disk.ListAsync(BucketLayout.ChunksPrefix, cancel))
        {
            if (!needed.Contains(found.Key))
                lost.Add(found.Key);
        }

        foreach (var chunk in lost)
            await Disk.DeleteAsync(chunk, cancel);
    }

    /// <summary>Bytes on the disk.</summary>
    public async Task<long> MeasureAsync(CancellationToken cancel)
    {
        var bytes = 0L;
        await foreach (var found in Disk.ListAsync("", cancel))
            bytes += found.Length;
        return bytes;
    }

    public void Dispose() => _lock.Dispose();

    private static string FolderOf(string directory, RunId run) => Path.Combine(Path.GetFullPath(directory), run.Value);

    private async Task<SpooledSave> ReadAsync(ObjectKey key, CancellationToken cancel)
    {
        try
        {
            var bytes = await Disk.GetAsync(key, cancel) ?? throw new CorruptException($"{Folder}: {key} has gone.");
            var save = JsonSerializer.Deserialize(bytes, SpoolJson.Default.SpooledSave);
            return save is { Format: SpooledSave.CurrentFormat }
                ? save
                : throw new CorruptException($"{Folder}: {key} is of the format '{save?.Format}', which this version does not know.");
        }
        catch (JsonException error)
        {
            throw new CorruptException($"{Folder}: {key} is damaged: {error.Message}", error);
        }
    }
}
