using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Staged bytes to chunks in the bucket, on all cores. A chunk that is what it was in the snapshot before costs one
/// comparison; one that is stored already, a hash; others are encoded, from what they were where that pays.
/// </summary>
/// <param name="chunks">The bucket's chunks.</param>
/// <param name="options">How they are stored.</param>
/// <param name="parallelism">Chunks at work at once.</param>
/// <param name="looksForNonFinite">Whether NaN and infinity are looked for.</param>
public sealed class ShardUploader(ChunkStore chunks, CodecOptions options, int parallelism, bool looksForNonFinite = false)
{
    private DeltaBases _before = DeltaBases.None;
    private int _sinceFull;

    /// <summary>Uploads a shard. Calls do not overlap.</summary>
    /// <param name="shard">The staged bytes; must not change until this returns.</param>
    /// <param name="progress">Told after each chunk, from several threads; an exception ends the upload.</param>
    /// <param name="cancel">Ends the upload; chunks stored until then stay, unreferenced.</param>
    public async Task<UploadedShard> UploadAsync(
        StagedShard shard, Action<UploadProgress> progress, CancellationToken cancel)
    {
        var tally = new UploadTally(shard, progress);
        var health = new HealthScan(shard, looksForNonFinite);
        var mayDiffer = options.Mode == CodecMode.Delta && _sinceFull + 1 < options.FullEvery;
        var upload = new ChunkUpload(chunks, options, _before, shard, mayDiffer);
        var degree = new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancel };
        await Parallel.ForEachAsync(UploadUnit.Of(shard), degree, async (unit, stop) =>
        {
            foreach (var chunk in unit.Chunks)
            {
                var (stored, write) = await upload.StoreAsync(chunk, unit.Moved, stop);
                health.Look(chunk, isUnchanged: stored.Id == _before.Find(shard.Layout[chunk].Place)?.Chunk.Id);
                tally.Count(write, stored.Length);
            }
        });
        var all = upload.Stored();
        _sinceFull = all.Any(c => c.Depth > 0) ? _sinceFull + 1 : 0;
        return new UploadedShard(all, tally.WrittenBytes, tally.WrittenChunks, tally.RepairedChunks, health.Result());
    }

    /// <summary>What the next shard is compared with: the one before, while its bytes lie in memory.</summary>
    public void ContinueFrom(DeltaBases before) => _before = before;

    /// <summary>The bytes of the one before are there no more; its chunks are still known to be stored.</summary>
    public void ForgetContent() => _before = _before.WithoutContent();

    /// <summary>Forgets which chunks are stored, after the bucket was found damaged: the next shard needs none of them.</summary>
    public void ForgetKnown() => _before = DeltaBases.None;
}
