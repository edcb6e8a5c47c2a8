using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// A shard whose asked-for chunks lie in an arena, every byte checked. Nothing has touched the live tensors yet.
/// </summary>
public sealed class LoadedShard : ShardContent
{
    private const int PieceBytes = 256 << 20;

    private readonly List<(ChunkRange Range, long At)> _loaded;

    private LoadedShard(StagingArena arena, ShardManifest manifest, List<(ChunkRange Range, long At)> loaded)
        : base(manifest) => (Arena, _loaded) = (arena, loaded);

    /// <summary>Where its bytes lie.</summary>
    public StagingArena Arena { get; }

    /// <summary>Reads chunks, on all cores.</summary>
    /// <param name="chunks">The bucket's chunks.</param>
    /// <param name="shard">The shard.</param>
    /// <param name="needed">Its chunks that are needed, in order.</param>
    /// <param name="arena">Takes the bytes.</param>
    /// <param name="start">Where they lie in the arena, one behind the other; null: where they lay when they were staged.</param>
    /// <param name="parallelism">Chunks in flight at once.</param>
    /// <param name="cancel">Ends the loading.</param>
    /// <exception cref="CorruptException">A chunk is damaged: names run, snapshot, tensor and chunk.</exception>
    internal static async Task<LoadedShard> LoadAsync(
        ChunkStore chunks,
        ShardManifest shard,
        IReadOnlyList<(ChunkRecord Record, ChunkRange Range)> needed,
        StagingArena arena,
        long? start,
        int parallelism,
        CancellationToken cancel)
    {
        var loaded = new List<(ChunkRange Range, long At)>();
        foreach (var (_, range) in needed)
        {
            loaded.Add((range, start ?? range.Offset));
            start += range.Length;
        }

        var places = needed.Zip(loaded).ToLookup(n => n.First.Record.Id, n => (n.First.Range, n.Second.At));
        var ranges = needed.ToLookup(n => n.Record.Id, n => n.Range);
        await shard.ReadFamiliesAsync(ranges, parallelism, ReadAsync, cancel);
        return new LoadedShard(arena, shard, loaded);

        async Task<IReadOnlyDictionary<ChunkId, ChunkOutcome>> ReadAsync(ChunkFamily family, CancellationToken stop)
        {
            var outcomes = await chunks.ReadAsync(family, c => arena.Slice(places[c.Id].First().At, c.Length), stop);
            foreach (var id in outcomes.Keys)
                Repeat(arena, [.. places[id].Select(p => (p.At, p.Range.Length))]);
            return outcomes;
        }
    }

    /// <summary>The chunks that were read, how they are stored, and their plain bytes.</summary>
    internal IEnumerable<(ChunkLayout Layout, StoredChunk Chunk, ReadOnlyMemory<byte> Plain)> Loaded()
    {
        var loaded = _loaded.ToDictionary(l => l.Range, l => l.At);
        return ChunkLayout.Of(Manifest.Tensors, Manifest.Bytes, Manifest.ChunksInOrder().Select(c => c.Range))
            .Zip(StoredChunk.Of(Manifest))
            .Where(c => loaded.ContainsKey(c.First.Range))
            .Select(c => (c.First, c.Second, (ReadOnlyMemory<byte>)Arena.Slice(loaded[c.First.Range], c.First.Range.Length)));
    }

    /// <inheritdoc/>
    public override void Read(long offset, long length, Action<long, ReadOnlyMemory<byte>> copy)
    {
        for (var done = 0L; done < length;)
        {
            var (at, there) = Find(offset + done);
            var piece = (int)Math.Min(PieceBytes, Math.Min(there, length - done));
            copy(done, Arena.Slice(at, piece));
            done += piece;
        }
    }

    /// <inheritdoc/>
    public override Task ReadAsync(IReadOnlyList<ShardRead> reads, CancellationToken cancel)
    {
        Parallel.ForEach(reads, new ParallelOptions { CancellationToken = cancel }, r => Read(r.Offset, r.Length, r.Copy));
        return Task.CompletedTask;
    }

    /// <summary>All of it was checked when it was loaded.</summary>
    internal override Task CheckAsync(IReadOnlyList<ShardStretch> stretches, CancellationToken cancel) => Task.CompletedTask;

    /// <summary>Where a byte of the shard lies in the arena, and how many of those behind it lie behind it there, up to a piece.</summary>
    private (long At, long There) Find(long offset)
    {
        var (low, high) = (0, _loaded.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (_loaded[middle].Range.Offset <= offset)
                low = middle;
            else
                high = middle - 1;
        }

        var (range, at) = _loaded[low];
        var (shift, end) = (at - range.Offset, range.Offset + range.Length);
        for (var next = low + 1; next < _loaded.Count && end - offset < PieceBytes; next++)
        {
            if (_loaded[next].Range.Offset != end || _loaded[next].At - end != shift)
                break;
            end += _loaded[next].Range.Length;
        }

        return (offset + shift, end - offset);
    }

    /// <summary>A chunk that stands in several places is read once.</summary>
    private static void Repeat(StagingArena arena, (long At, int Length)[] places)
    {
        foreach (var (at, length) in places[1..])
            arena.Slice(places[0].At, length).CopyTo(arena.Slice(at, length));
    }
}
