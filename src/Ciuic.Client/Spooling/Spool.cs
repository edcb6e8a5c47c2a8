using System.Globalization;
using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Client;

/// <summary>A record of a spool.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Save">What it says; null where it cannot be read.</param>
/// <param name="Problem">Why not; empty otherwise.</param>
internal sealed record SpoolEntry(ObjectKey Key, SpooledSave? Save, string Problem);

/// <summary>
/// The saves of one run that wait on this machine's disk. One process at a time has it open. A save is there once its record is, which
/// is written last; chunks that a crash leaves without one are removed when the spool is opened.
/// </summary>
internal sealed class Spool : IDisposable
{
    private const string RecordsPrefix = "saves/";
    private const int LockTries = 25;
    private const int Eagain = 11;
    private const int EagainOfBsd = 35;
    private const int SharingViolation = unchecked((int)0x80070020);

    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(200);

    private readonly FileStream _lock;
    private DateTime _last;

    private Spool(string folder, FileStream taken, FileObjectStore disk) => (Folder, _lock, Disk) = (folder, taken, disk);

    /// <summary>Where it is.</summary>
    public string Folder { get; }

    /// <summary>Holds chunks and records.</summary>
    public FileObjectStore Disk { get; }

    /// <summary>Opens a run's spool, making it where there is none. A process that was killed may hold it for moments: its children do.</summary>
    /// <param name="directory">Holds those of all runs.</param>
    /// <param name="run">The run.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="ConflictException">Another process has it open.</exception>
    /// <exception cref="UnavailableException">The disk does not answer, or is full.</exception>
    public static async Task<Spool> OpenAsync(string directory, RunId run, CancellationToken cancel)
    {
        var folder = FolderOf(directory, run);
        var taken = await LockAsync(folder, run, cancel);
        try
        {
            var spool = new Spool(folder, taken, new FileObjectStore(Path.Combine(folder, "bucket")));
            spool.Disk.DeleteTemporaryFiles(DateTimeOffset.MaxValue); // nobody else writes here
            await spool.SweepAsync(cancel);
            return spool;
        }
        catch
        {
            await taken.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether a run has a spool, empty or not.</summary>
    public static bool Exists(string? directory, RunId run) => directory is not null && Directory.Exists(FolderOf(directory, run));

    /// <summary>Bytes of a run's spool, by what its files say of themselves.</summary>
    public static long BytesOf(string directory, RunId run) =>
        new DirectoryInfo(FolderOf(directory, run)).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);

    /// <summary>How many saves wait in a run's spool.</summary>
    public static long CountOf(string directory, RunId run)
    {
        var folder = new DirectoryInfo(Path.Combine(FolderOf(directory, run), "bucket", RecordsPrefix.TrimEnd('/')));
        return folder.Exists ? folder.EnumerateFiles().LongCount() : 0;
    }

    /// <summary>All records, in the order in which they were made.</summary>
    public async Task<List<SpoolEntry>> ListAsync(CancellationToken cancel)
    {
        var keys = new List<ObjectKey>();
        await foreach (var found in Disk.ListAsync(RecordsPrefix, cancel))
            keys.Add(found.Key);
        var saves = new List<SpoolEntry>();
        foreach (var key in keys.OrderBy(k => k.Path, StringComparer.Ordinal))
            saves.Add(await ReadAsync(key, cancel));
        return saves;
    }

    /// <summary>Adds a save whose chunks are there, or in the bucket.</summary>
    /// <returns>The record's name.</returns>
    public async Task<ObjectKey> AddAsync(SpooledSave save, DateTimeOffset now, CancellationToken cancel)
    {
        _last = now.UtcDateTime > _last ? now.UtcDateTime : _last.AddTicks(1); // names are their order, whatever a clock does
        var name = string.Create(CultureInfo.InvariantCulture, $"{RecordsPrefix}{_last:yyyyMMddTHHmmss.fffffff}-{save.Plan.Step}");
        var key = new ObjectKey(name);
        await Disk.CreateAsync(key, SpoolRecord.Encode(save), cancel);
        return key;
    }

    /// <summary>Puts another record in the place of one.</summary>
    public Task ReplaceAsync(ObjectKey key, SpooledSave save, CancellationToken cancel) =>
        Disk.PutAsync(key, SpoolRecord.Encode(save), cancel);

    /// <summary>Removes a save, and chunks that no other one needs.</summary>
    public async Task RemoveAsync(ObjectKey key, CancellationToken cancel)
    {
        await Disk.DeleteAsync(key, cancel);
        await SweepAsync(cancel);
    }

    /// <summary>Removes chunks that no record needs. What an unreadable one needs is not known: nothing is removed beside one.</summary>
    public async Task SweepAsync(CancellationToken cancel)
    {
        var entries = await ListAsync(cancel);
        if (entries.Any(e => e.Save is null))
            return;
        var needed = entries.Where(e => !e.Save!.InBucket).SelectMany(e => e.Save!.At(SpooledSave.Placeholder).Chunks).Select(c => BucketLayout.Chunk(c)).ToHashSet();
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

    private static async Task<FileStream> LockAsync(string folder, RunId run, CancellationToken cancel)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UnavailableException($"The spool '{folder}' cannot be made: {error.Message}", error);
        }

        for (var tries = 1; ; tries++)
        {
            try
            {
                return new FileStream(Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException error) when (IsTaken(error) && tries < LockTries)
            {
                await Task.Delay(BetweenTries, cancel);
            }
            catch (IOException error) when (IsTaken(error))
            {
                throw new ConflictException($"The spool '{folder}' is in use: the process that trains run {run} has it. {error.Message}", error);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // A disk that is full or read-only gets no better by waiting, and no other process has to do with it.
                throw new UnavailableException($"The spool '{folder}' cannot be opened: {error.Message}", error);
            }
        }
    }

    /// <summary>Whether another process has the file: EAGAIN of flock, or Windows' sharing violation.</summary>
    private static bool IsTaken(IOException error) => error.HResult is Eagain or EagainOfBsd or SharingViolation;

    private async Task<SpoolEntry> ReadAsync(ObjectKey key, CancellationToken cancel)
    {
        try
        {
            var bytes = await Disk.GetAsync(key, cancel) ?? throw new CorruptException("it has gone");
            return new SpoolEntry(key, SpoolRecord.Decode(bytes), "");
        }
        catch (CorruptException error)
        {
            return new SpoolEntry(key, null, $"{Folder}: {key}: {error.Message}");
        }
    }
}
