using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>One upload of a shard, at once or window by window.</summary>
public sealed class ShardUpload
{
    private readonly StagingPlan _plan;
    private readonly DeltaBases _before;
    private readonly int _parallelism;
    private readonly ChunkUpload _chunks;
    private readonly UploadTally _tally;
    private readonly HealthScan _health;
    private readonly Action<UploadedShard> _finished;

    internal ShardUpload(
        StagingPlan plan,
        DeltaBases before,
        int parallelism,
        bool looksForNonFinite,
        ChunkUpload chunks,
        UploadTally tally,
        Action<UploadedShard> finished)
    {
        (_plan, _before, _parallelism) = (plan, before, parallelism);
        (_chunks, _tally, _finished) = (chunks, tally, finished);
        _health = new HealthScan(plan, looksForNonFinite);
    }

    /// <summary>Uploads what is staged; may be repeated after a failure.</summary>
    /// <param name="window">The staged bytes; must not change until this returns.</param>
    /// <param name="cancel">Ends the upload; chunks stored until then stay, unreferenced.</param>
    public async Task AddAsync(StagedShard window, CancellationToken cancel)
    {
        // Two windows are on their way at once.
        var degree = new ParallelOptions
        {
            MaxDegreeOfParallelism = window.IsWhole ? _parallelism : Math.Max(1, _parallelism / 2),
            CancellationToken = cancel,
        };
        await Parallel.ForEachAsync(UploadUnit.Of(window), degree, async (unit, stop) =>
        {
            foreach (var chunk in unit.Chunks)
            {
                var (stored, write) = await _chunks.StoreAsync(window, chunk, unit.Moved, stop);
                _health.Look(window, chunk, isUnchanged: stored.Id == _before.Find(_plan.Layout[chunk].Place)?.Chunk.Id);
                _tally.Count(chunk, write, stored.Length);
            }
        });
    }

    /// <summary>What was uploaded, once all of it was.</summary>
    public UploadedShard Finish()
    {
        var uploaded = new UploadedShard(
            _chunks.Stored(), _tally.WrittenBytes, _tally.WrittenChunks, _tally.RepairedChunks, _health.Result());
        _finished(uploaded);
        return uploaded;
    }
}
