using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Keeps saves on this machine while the store is away: training goes on, and what was saved outlives the process. Once a later save of
/// this process is committed they are not needed any more; those of other processes it leaves alone.
/// </summary>
internal sealed class SpoolWriter(
    RunId run, string home, SaveOptions options, CodecMode codec, Func<FencingToken?> token, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private readonly SemaphoreSlim _one = new(1);
    private readonly Guid _attempt = Guid.CreateVersion7();
    private Spool? _spool;
    private SnapshotLink? _base;
    private bool _isOver;

    /// <summary>How long a store may be away before saves are kept here.</summary>
    public TimeSpan After => options.SpoolAfter;

    /// <summary>Takes note of the committed snapshot that training goes on from.</summary>
    public void ContinueFrom(SnapshotLink? link) => _base = link;

    /// <summary>The spool, opened; for one use at a time.</summary>
    /// <exception cref="ConflictException">Another process has it open.</exception>
    public async Task<T> UseAsync<T>(Func<Spool, Task<T>> use, CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            if (_isOver)
                throw new UnavailableException("the run is closed"); // whoever opened it again would hold it for ever
            return await use(_spool ??= await Spool.OpenAsync(options.SpoolDirectory, run, cancel));
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Keeps a save, whatever ends meanwhile.</summary>
    /// <returns>What its handle says.</returns>
    public async Task<UnavailableException> KeepAsync(SnapshotPlan plan, StagedShard shard, Digest? replicated, string why)
    {
        try
        {
            return await UseAsync(spool => KeepAsync(spool, plan, shard, replicated, why), CancellationToken.None);
        }
        catch (Exception error) when (error is CiuicException or IOException or UnauthorizedAccessException)
        {
            return new UnavailableException($"Step {plan.Step} is not saved: {why}, and it cannot be kept here: {error.Message}", error);
        }
    }

    /// <summary>A step is committed: what was kept before it is not needed, and what was kept behind it follows it.</summary>
    public async Task CommittedAsync(SnapshotLink link, long step)
    {
        _base = link;
        if (_spool is null)
            return;
        try
        {
            await UseAsync(spool => SettleAsync(spool, link, step), CancellationToken.None);
        }
        catch (Exception error) when (error is CiuicException or IOException or UnauthorizedAccessException)
        {
            logger.SpoolLeft(run, error.Message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _one.WaitAsync();
        _spool?.Dispose();
        (_spool, _isOver) = (null, true);
        _one.Release();
    }

    private async Task<UnavailableException> KeepAsync(Spool spool, SnapshotPlan plan, StagedShard shard, Digest? replicated, string why)
    {
        if (shard.Plan.Length > options.MaxSpoolBytes)
            throw new UnavailableException($"it has {shard.Plan.Length} bytes, and a spool takes {options.MaxSpoolBytes} (Ciuic:Save:MaxSpoolBytes)");
        // The last one that is there stays until this one is: it is the one to resume from.
        await MakeRoomAsync(spool, shard.Plan.Length);
        try
        {
            await WriteAsync(spool, plan, shard, replicated);
        }
        catch
        {
            await spool.SweepAsync(CancellationToken.None); // others need the disk, too
            throw;
        }

        await MakeRoomAsync(spool, 0);
        logger.Spooled(run, plan.Step, spool.Folder, why);
        return new UnavailableException(
            $"Step {plan.Step} is kept in '{spool.Folder}' and NOT COMMITTED: {why}. The next start of the run commits it, or a sync.");
    }

    private async Task<bool> SettleAsync(Spool spool, SnapshotLink link, long step)
    {
        foreach (var (key, save, _) in await OwnAsync(spool))
        {
            if (save!.Plan.Step <= step)
                await spool.RemoveAsync(key, CancellationToken.None);
            else
                await spool.ReplaceAsync(key, save with { Base = link, Token = token() }, CancellationToken.None);
        }

        return true;
    }

    private async Task<List<SpoolEntry>> OwnAsync(Spool spool) =>
        [.. (await spool.ListAsync(CancellationToken.None)).Where(e => e.Save?.Attempt == _attempt)];

    /// <summary>The oldest saves of this process give way to the newest.</summary>
    private async Task MakeRoomAsync(Spool spool, long wanted)
    {
        var own = await OwnAsync(spool);
        while (own.Count > 1 && await spool.MeasureAsync(CancellationToken.None) + wanted > options.MaxSpoolBytes)
        {
            logger.SpoolGaveWay(run, own[0].Save!.Plan.Step, options.MaxSpoolBytes);
            await spool.RemoveAsync(own[0].Key, CancellationToken.None);
            own.RemoveAt(0);
        }
    }

    private async Task WriteAsync(Spool spool, SnapshotPlan plan, StagedShard shard, Digest? replicated)
    {
        using var chunks = new ChunkStore(spool.Disk);
        var whole = new CodecOptions { Mode = codec == CodecMode.Raw ? CodecMode.Raw : CodecMode.Planes }; // what it would differ from is away
        var uploaded = await new ShardUploader(chunks, whole, options.Writers).UploadAsync(shard, _ => { }, CancellationToken.None);
        var manifest = new ShardManifest
        {
            Format = ShardManifest.CurrentFormat,
            Run = run,
            Sequence = SpooledSave.Placeholder,
            Rank = new Rank(0),
            Tensors = shard.Plan.Tensors,
            Bytes = shard.Plan.Bytes,
            Chunks = uploaded.Records,
            Replicated = replicated,
        };
        var save = new SpooledSave(home, _attempt, plan, _base, token(), ManifestCodec.Encode(manifest));
        await spool.AddAsync(save, time.GetUtcNow(), CancellationToken.None);
    }
}
