using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// A shard whose asked-for items lie in an arena, every byte checked. Nothing has touched the live tensors yet.
/// </summary>
public sealed class LoadedShard : ShardContent
{
    private const int PieceBytes = 256 << 20;

    private readonly IReadOnlyList<ChunkRange> _loaded;

    private LoadedShard(StagingArena arena, ShardManifest manifest, IReadOnlyList<ChunkRange> loaded)
        : base(manifest) => (Arena, _loaded) = (arena, loaded);

    /// <summary>Where its bytes lie.</summary>
    public StagingArena Arena { get; }

    /// <summary>Reads the chunks that hold the wanted items, on all cores.</summary>
    /// <param name="chunks">The bucket's chunks.</param>
    /// <param name="shard">The shard.</param>
    /// <param name="wanted">Tells by item and name what to load; other bytes of the arena are undefined.</param>
    /// <param name="buffers">Take the bytes.</param>
    /// <param name="parallelism">Chunks in flight at once.</param>
    /// <param name="cancel">Ends the loading.</param>
    /// <exception cref="CorruptException">A chunk is damaged: names run, snapshot, tensor and chunk.</exception>
    public static async Task<LoadedShard> LoadAsync(
        ChunkStore chunks,
        ShardManifest shard,
        Func<string, string, bool> wanted,
        StagingBuffers buffers,
        int parallelism,
        CancellationToken cancel)
    {
        var arena = buffers.Take(Math.Max(1, shard.Length));
        var needed = shard.ChunksOf(wanted);
        var places = needed.ToLookup(n => n.Record.Id, n => n.Range);
        await shard.ReadFamiliesAsync(places, parallelism, ReadAsync, cancel);
        return new LoadedShard(arena, shard, needed.Select(n => n.Range).ToList());

        async Task<IReadOnlyDictionary<ChunkId, ChunkOutcome>> ReadAsync(ChunkFamily family, CancellationToken stop)
        {
            var outcomes = await chunks.ReadAsync(family, c => arena.Slice(places[c.Id].First().Offset, c.Length), stop);
            foreach (var id in outcomes.Keys)
                Repeat(arena, [.. places[id]]);
            return outcomes;
        }
    }

    /// <summary>The chunks that were read, and how they are stored.</summary>
    internal IEnumerable<(ChunkLayout Layout, StoredChunk Chunk)> Loaded()
    {
        var loaded = _loaded.ToHashSet();
        return ChunkLayout.Of(Manifest.Tensors, Manifest.Bytes, Manifest.ChunksInOrder().Select(c => c.Range))
            .Zip(StoredChunk.Of(Manifest))
            .Where(c => loaded.Contains(c.First.Range));
    }

    /// <summary>The plain bytes of a chunk that was read.</summary>
    internal ReadOnlyMemory<byte> Content(ChunkRange chunk) => Arena.Slice(chunk.Offset, chunk.Length);

    /// <inheritdoc/>
    public override void Read(TensorRecord tensor, Action<long, ReadOnlyMemory<byte>> copy)
    {
        for (var done = 0L; done < tensor.Length; done += PieceBytes)
        {
            var piece = (int)Math.Min(PieceBytes, tensor.Length - done);
            copy(done, Arena.Slice(tensor.Offset + done, piece));
        }
    }

    /// <inheritdoc/>
    public override byte[] Read(ByteRecord item) => Arena.Slice(item.Offset, checked((int)item.Length)).ToArray();

    /// <summary>A chunk that stands in several places is read once.</summary>
    private static void Repeat(StagingArena arena, ChunkRange[] places)
    {
        foreach (var place in places[1..])
            arena.Slice(places[0].Offset, places[0].Length).CopyTo(arena.Slice(place.Offset, place.Length));
    }
}
