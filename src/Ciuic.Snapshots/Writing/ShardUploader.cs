using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Staged bytes to chunks in the bucket, on all cores. A chunk that is what it was in the snapshot before costs one
/// comparison; one that is stored already, a hash; others are encoded, as the difference to what they were where that pays.
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
        var layout = shard.Layout;
        var stored = new StoredChunk[layout.Count];
        var tally = new UploadTally(shard, progress);
        var health = new HealthScan(shard, looksForNonFinite);
        var mayDiffer = options.Mode == CodecMode.Delta && _sinceFull + 1 < options.FullEvery;
        var degree = new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancel };
        await Parallel.ForAsync(0, stored.Length, degree, async (i, stop) =>
        {
            var before = _before.Find(layout[i].Place);
            (stored[i], var write) = await StoreAsync(layout[i], shard.Content(layout[i].Range), before, mayDiffer, stop);
            health.Look(i, isUnchanged: stored[i].Id == before?.Chunk.Id);
            tally.Count(write, stored[i].Length);
        });
        _sinceFull = Array.Exists(stored, c => c.Depth > 0) ? _sinceFull + 1 : 0;
        return new UploadedShard(stored, tally.WrittenBytes, tally.WrittenChunks, tally.RepairedChunks, health.Result());
    }

    /// <summary>What the next shard is compared with: the one before, while its bytes lie in memory.</summary>
    public void ContinueFrom(DeltaBases before) => _before = before;

    /// <summary>The bytes of the one before are there no more; its chunks are still known to be stored.</summary>
    public void ForgetContent() => _before = _before.WithoutContent();

    /// <summary>Forgets which chunks are stored, after the bucket was found damaged: the next shard needs none of them.</summary>
    public void ForgetKnown() => _before = DeltaBases.None;

    private async Task<(StoredChunk, ChunkWrite)> StoreAsync(
        ChunkLayout layout, ReadOnlyMemory<byte> plain, DeltaBases.Basis? before, bool mayDiffer, CancellationToken cancel)
    {
        if (MayStay(before?.Chunk, mayDiffer) && plain.Span.SequenceEqual(before!.Plain.Span))
            return (before.Chunk, new ChunkWrite(ChunkStored.Reused, 0));
        var id = ChunkId.Of(plain.Span);
        if (_before.Find(id) is { } known && MayStay(known, mayDiffer))
            return (known, new ChunkWrite(ChunkStored.Reused, 0));
        if (await chunks.IsWholeAsync(id, cancel))
            return (new StoredChunk(id, plain.Length, null), new ChunkWrite(ChunkStored.Reused, 0));
        if (mayDiffer && before is not null && before.Chunk.Depth < options.MaxChain && before.Plain.Length == plain.Length)
        {
            var (basis, bytes) = (before.Chunk, before.Plain);
            if (await chunks.TryStoreDeltaAsync(id, plain, layout.Width, basis.Id, bytes, options.MinDeltaGain, cancel) is { } delta)
                return (new StoredChunk(id, plain.Length, basis), delta);
        }

        var width = options.Mode == CodecMode.Raw ? 0 : layout.Width;
        return (new StoredChunk(id, plain.Length, null), await chunks.StoreAsync(id, plain, width, cancel));
    }

    /// <summary>A full snapshot keeps only what is stored whole.</summary>
    private static bool MayStay(StoredChunk? chunk, bool mayDiffer) => chunk is not null && (mayDiffer || chunk.Depth == 0);
}
