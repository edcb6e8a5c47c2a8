using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Keeps saves on this machine while the store is away: training goes on, and what was saved outlives the process. Once a later save is
/// committed they are not needed any more.
/// </summary>
internal sealed class SpoolWriter(
    RunId run, string home, SaveOptions options, CodecMode codec, Func<FencingToken?> token, TimeProvider time, ILogger logger) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);
    private Spool? _spool;
    private SnapshotLink? _base;

    /// <summary>How long a store may be away before saves are kept here.</summary>
    public TimeSpan After => options.SpoolAfter;

    /// <summary>Takes note of the committed snapshot that training goes on from.</summary>
    public void ContinueFrom(SnapshotLink? link) => _base = link;

    /// <summary>Keeps a save.</summary>
    /// <returns>What its handle says.</returns>
    public async Task<UnavailableException> KeepAsync(SnapshotPlan plan, StagedShard shard, Digest? replicated, string why, CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            _spool ??= Spool.Open(options.SpoolDirectory, run);
            await MakeRoomAsync(_spool, shard.Plan.Length, cancel);
            await WriteAsync(_spool, plan, shard, replicated, cancel);
            logger.Spooled(run, plan.Step, _spool.Folder, why);
            return new UnavailableException(
                $"Step {plan.Step} is kept in '{_spool.Folder}' and NOT COMMITTED: {why}. The next start of the run commits it, or a sync.");
        }
        catch (CiuicException error)
        {
            return new UnavailableException($"Step {plan.Step} is not saved: {why}, and it cannot be kept here: {error.Message}", error);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>A later step is committed: what was kept before it is not needed.</summary>
    public async Task CommittedAsync(SnapshotLink link, long step, CancellationToken cancel)
    {
        await _one.WaitAsync(cancel);
        try
        {
            _base = link;
            foreach (var (key, save) in _spool is null ? [] : await _spool.ListAsync(cancel))
            {
                if (save.Plan.Step <= step)
                    await _spool!.RemoveAsync(key, cancel);
            }
        }
        catch (CiuicException error)
        {
            logger.SpoolLeft(run, error.Message);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _spool?.Dispose();

    /// <summary>The oldest saves give way to the newest: it is the one to resume from.</summary>
    private async Task MakeRoomAsync(Spool spool, long wanted, CancellationToken cancel)
    {
        var saves = await spool.ListAsync(cancel);
        for (var i = 0; await spool.MeasureAsync(cancel) + wanted > options.MaxSpoolBytes; i++)
        {
            if (i == saves.Count)
            {
                throw new UnavailableException(
                    $"the spool takes {options.MaxSpoolBytes} bytes (Ciuic:Save:MaxSpoolBytes), the save {wanted}");
            }

            logger.SpoolGaveWay(run, saves[i].Save.Plan.Step, options.MaxSpoolBytes);
            await spool.RemoveAsync(saves[i].Key, cancel);
        }
    }

    private async Task WriteAsync(Spool spool, SnapshotPlan plan, StagedShard shard, Digest? replicated, CancellationToken cancel)
    {
        using var chunks = new ChunkStore(spool.Disk);
        var whole = new CodecOptions { Mode = codec == CodecMode.Raw ? CodecMode.Raw : CodecMode.Planes }; // what it would differ from is away
        var uploaded = await new ShardUploader(chunks, whole, options.Writers).UploadAsync(shard, _ => { }, cancel);
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
        var save = new SpooledSave(SpooledSave.CurrentFormat, home, plan, _base, token(), ManifestCodec.Encode(manifest));
        await spool.AddAsync(save, time.GetUtcNow(), cancel);
    }
}
