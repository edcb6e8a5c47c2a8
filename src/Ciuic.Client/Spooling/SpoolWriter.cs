using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Keeps saves on this machine while they cannot be stored or committed: training goes on, and what was saved outlives the process. Once a
/// later save of this process is committed they are not needed any more; those of other processes it leaves alone.
/// </summary>
internal sealed class SpoolWriter(
    RunId run, SpoolHome home, string directory, SaveOptions options, CodecMode codec, RunLease lease, TimeProvider time, ILogger logger)
    : IAsyncDisposable
{
    private readonly SemaphoreSlim _one = new(1);
    private readonly Dictionary<SaveHandle, ObjectKey> _kept = [];
    private Guid _attempt = Guid.CreateVersion7();
    private Spool? _spool;
    private SnapshotLink? _base;
    private bool _isOver;

    /// <summary>How long store or silo may be away before saves are kept here.</summary>
    public TimeSpan After => options.SpoolAfter;

    /// <summary>
    /// Takes note of the committed snapshot that training goes on from. Where that is another one than before, what was kept until now lies
    /// on a branch that was left: it is another attempt's from here on, and does not follow what is committed next.
    /// </summary>
    public void ContinueFrom(SnapshotLink? link)
    {
        if (link != _base)
            _attempt = Guid.CreateVersion7();
        _base = link;
    }

    /// <summary>The spool, opened; for one use at a time.</summary>
    /// <exception cref="ConflictException">Another process has it open.</exception>
    /// <exception cref="UnavailableException">The disk does not take it.</exception>
    public async Task<T> UseAsync<T>(Func<Spool, Task<T>> use, CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            if (_isOver)
                throw new UnavailableException("the run is closed"); // whoever opened it again would hold it for ever
            return await use(_spool ??= await Spool.OpenAsync(directory, run, cancel));
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Keeps a save that is not in the bucket, whatever ends meanwhile.</summary>
    public Task<KeptSave> KeepAsync(SaveHandle handle, SnapshotPlan plan, StagedShard shard, string why) =>
        TryAsync(plan.Step, why, spool => WriteAsync(spool, handle, plan, shard));

    /// <summary>Keeps what is needed to commit a save whose chunks are in the bucket; one that has come to its end needs nothing.</summary>
    public Task<KeptSave> KeepAsync(UploadedSave save, string why) => TryAsync(save.Plan.Step, why, spool => NoteAsync(spool, save));

    /// <summary>A save is committed: what was kept before it is not needed, and what was kept behind it follows it.</summary>
    public Task CommittedAsync(SnapshotLink link, SaveHandle committed)
    {
        _base = link;
        // Where nothing was kept there is no spool, and none is made; one that is being written is waited for.
        return LockedAsync(async () =>
        {
            if (_spool is not null)
                await SettleAsync(_spool, link, committed);
        });
    }

    /// <summary>A save that was noted has failed: the next start would fail with it, too.</summary>
    public Task ForgetAsync(SaveHandle failed) => LockedAsync(async () =>
    {
        if (_spool is not null && _kept.TryGetValue(failed, out var key))
            await RemoveAsync(_spool, key);
    });

    public async ValueTask DisposeAsync()
    {
        await _one.WaitAsync();
        _spool?.Dispose();
        (_spool, _isOver) = (null, true);
        _one.Release();
    }

    private async Task LockedAsync(Func<Task> change)
    {
        await _one.WaitAsync();
        try
        {
            await change();
        }
        catch (Exception error) when (error is CiuicException or IOException or UnauthorizedAccessException)
        {
            logger.SpoolLeft(run, error.Message);
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task<KeptSave> TryAsync(long step, string why, Func<Spool, Task<bool>> write)
    {
        if (lease.IsFenced)
            return new KeptSave(false, $"Step {step} is not saved: run {run} belongs to a newer attempt, behind which it cannot be committed.");
        try
        {
            return await UseAsync(spool => KeepAsync(spool, step, why, write), CancellationToken.None);
        }
        catch (Exception error) when (error is CiuicException or IOException or UnauthorizedAccessException)
        {
            return new KeptSave(false, $"Step {step} is not saved: {why}, and it cannot be kept here: {error.Message}");
        }
    }

    private async Task<KeptSave> KeepAsync(Spool spool, long step, string why, Func<Spool, Task<bool>> write)
    {
        if (await write(spool))
        {
            await MakeRoomAsync(spool, 0);
            logger.Spooled(run, step, spool.Folder, why);
        }

        return new KeptSave(
            true,
            $"Step {step} is kept in '{spool.Folder}' and NOT COMMITTED: {why.TrimEnd('.')}. The next start of the run commits it, or a sync, where no "
            + "later save of this process is committed before.");
    }

    private async Task SettleAsync(Spool spool, SnapshotLink link, SaveHandle committed)
    {
        foreach (var (key, save, _) in await OwnAsync(spool))
        {
            // By their order and not by their steps: two may be of one step.
            var number = NumberOf(key);
            if (number > committed.Number)
            {
                await spool.ReplaceAsync(key, save! with { Base = link, Token = lease.Token }, CancellationToken.None);
                continue;
            }

            await RemoveAsync(spool, key);
            if (number < committed.Number)
                logger.SpoolRemoved(run, save!.Plan.Step, $"a later save of this process is, #{link.Sequence} of step {committed.Step}; it was removed");
        }
    }

    private long NumberOf(ObjectKey key) => _kept.FirstOrDefault(k => k.Value == key).Key?.Number ?? 0;

    private async Task<List<SpoolEntry>> OwnAsync(Spool spool) =>
        [.. (await spool.ListAsync(CancellationToken.None)).Where(e => e.Save?.Attempt == _attempt)];

    /// <summary>The oldest saves of this process give way to the newest.</summary>
    private async Task MakeRoomAsync(Spool spool, long wanted)
    {
        var own = await OwnAsync(spool);
        while (own.Count > 1 && await spool.MeasureAsync(CancellationToken.None) + wanted > options.MaxSpoolBytes)
        {
            logger.SpoolGaveWay(run, own[0].Save!.Plan.Step, options.MaxSpoolBytes);
            await RemoveAsync(spool, own[0].Key);
            own.RemoveAt(0);
        }
    }

    /// <summary>Nobody is told any more that it is kept.</summary>
    private async Task RemoveAsync(Spool spool, ObjectKey key)
    {
        await spool.RemoveAsync(key, CancellationToken.None);
        foreach (var handle in _kept.Where(k => k.Value == key).Select(k => k.Key).ToList())
            _kept.Remove(handle);
    }

    private async Task<bool> WriteAsync(Spool spool, SaveHandle handle, SnapshotPlan plan, StagedShard shard)
    {
        if (shard.Plan.Length > options.MaxSpoolBytes)
            throw new UnavailableException($"it has {shard.Plan.Length} bytes, and a spool takes {options.MaxSpoolBytes} (Ciuic:Save:MaxSpoolBytes)");
        // The last one that is there stays until this one is: it is the one to resume from.
        await MakeRoomAsync(spool, shard.Plan.Length);
        try
        {
            using var chunks = new ChunkStore(spool.Disk);
            var whole = new CodecOptions { Mode = codec == CodecMode.Raw ? CodecMode.Raw : CodecMode.Planes }; // what it would differ from is away
            var uploaded = await new ShardUploader(chunks, whole, options.Writers).UploadAsync(shard, _ => { }, CancellationToken.None);
            var manifest = ManifestOf(shard.Plan.Tensors, shard.Plan.Bytes, uploaded.Records, null);
            _kept[handle] = await AddAsync(spool, RecordOf(plan, manifest));
        }
        catch
        {
            await spool.SweepAsync(CancellationToken.None); // others need the disk, too
            throw;
        }

        return true;
    }

    /// <returns>Whether it was not there yet.</returns>
    private async Task<bool> NoteAsync(Spool spool, UploadedSave save)
    {
        // Looked at under the lock that settling takes: a note of what is committed would stay behind for ever.
        if (save.Handle.Committed.IsCompleted || _kept.ContainsKey(save.Handle))
            return false;
        var manifest = ManifestOf(save.Tensors, save.Bytes, save.Chunks, save.Bases);
        _kept[save.Handle] = await AddAsync(spool, RecordOf(save.Plan, manifest) with { InBucket = true });
        return true;
    }

    private Task<ObjectKey> AddAsync(Spool spool, SpooledSave save) =>
        spool.AddAsync(home.Stamp(save), time.GetUtcNow(), CancellationToken.None);

    private SpooledSave RecordOf(SnapshotPlan plan, ShardManifest manifest) =>
        new("", _attempt, plan, _base, lease.Token, ManifestCodec.Encode(manifest));

    private ShardManifest ManifestOf(
        IReadOnlyList<TensorRecord> tensors,
        IReadOnlyList<ByteRecord> bytes,
        IReadOnlyList<ChunkRecord> chunks,
        IReadOnlyList<ChunkRecord>? bases) => new()
        {
            Format = ShardManifest.CurrentFormat,
            Run = run,
            Sequence = SpooledSave.Placeholder,
            Rank = new Rank(0),
            Tensors = tensors,
            Bytes = bytes,
            Chunks = chunks,
            Bases = bases,
        };
}
