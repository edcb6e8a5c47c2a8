using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// A shard whose asked-for items lie in an arena, every byte checked. Nothing has touched the live tensors yet.
/// </summary>
public sealed class LoadedShard
{
    private const int PieceBytes = 256 << 20;

    private readonly IReadOnlyList<ChunkRange> _loaded;

    private LoadedShard(StagingArena arena, ShardManifest manifest, IReadOnlyList<ChunkRange> loaded)
    {
        Arena = arena;
        _loaded = loaded;
        Manifest = manifest;
    }

    /// <summary>Where its bytes lie.</summary>
    public StagingArena Arena { get; }

    /// <summary>What the shard holds.</summary>
    public ShardManifest Manifest { get; }

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
        var needed = ChunksOf(shard, wanted);
        var places = needed.ToLookup(n => n.Record.Id, n => n.Range);
        var options = new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancel };
        await Parallel.ForEachAsync(new ChunkGraph(shard).FamiliesOf(needed.Select(n => n.Record.Id)), options, async (family, stop) =>
        {
            var outcomes = await chunks.ReadAsync(family, c => arena.Slice(places[c.Id].First().Offset, c.Length), stop);
            foreach (var (id, outcome) in outcomes)
            {
                if (outcome.Damage is { } damage)
                    throw Damage.Describe(shard, places[id].First().Offset, places[id].First().Length, damage);
                Repeat(arena, [.. places[id]]);
            }
        });
        return new LoadedShard(arena, shard, needed.Select(n => n.Range).ToList());
    }

    /// <summary>The chunks that were read, and how they are stored.</summary>
    internal IEnumerable<(ChunkLayout Layout, StoredChunk Chunk)> Loaded()
    {
        var loaded = _loaded.ToHashSet();
        return ChunkLayout.Of(Manifest.Tensors, Manifest.Bytes, Ranges(Manifest))
            .Zip(StoredChunk.Of(Manifest))
            .Where(c => loaded.Contains(c.First.Range));
    }

    /// <summary>The plain bytes of a chunk that was read.</summary>
    internal ReadOnlyMemory<byte> Content(ChunkRange chunk) => Arena.Slice(chunk.Offset, chunk.Length);

    /// <summary>Hands a tensor's bytes over in pieces: byte offset within the tensor, bytes.</summary>
    public void Read(TensorRecord tensor, Action<long, ReadOnlyMemory<byte>> copy)
    {
        for (var done = 0L; done < tensor.Length; done += PieceBytes)
        {
            var piece = (int)Math.Min(PieceBytes, tensor.Length - done);
            copy(done, Arena.Slice(tensor.Offset + done, piece));
        }
    }

    /// <summary>A copy of a byte item.</summary>
    public byte[] Read(ByteRecord item) => Arena.Slice(item.Offset, checked((int)item.Length)).ToArray();

    /// <summary>A chunk that stands in several places is read once.</summary>
    private static void Repeat(StagingArena arena, ChunkRange[] places)
    {
        foreach (var place in places[1..])
            arena.Slice(places[0].Offset, places[0].Length).CopyTo(arena.Slice(place.Offset, place.Length));
    }

    private static List<(ChunkRecord Record, ChunkRange Range)> ChunksOf(
        ShardManifest shard, Func<string, string, bool> wanted)
    {
        var stretches = Damage.Stretches(shard)
            .Where(s => s.Length > 0 && wanted(s.Item, s.Name))
            .ToList();
        var needed = new List<(ChunkRecord, ChunkRange)>();
        var next = 0; // stretches lie in order, so one walk over both lists is enough
        foreach (var (chunk, range) in shard.Chunks.Zip(Ranges(shard)))
        {
            while (next < stretches.Count && stretches[next].Offset + stretches[next].Length <= range.Offset)
                next++;
            if (next < stretches.Count && stretches[next].Offset < range.Offset + range.Length)
                needed.Add((chunk, range));
        }

        return needed;
    }

    private static IEnumerable<ChunkRange> Ranges(ShardManifest shard)
    {
        var offset = 0L;
        foreach (var chunk in shard.Chunks)
        {
            yield return new ChunkRange(offset, chunk.Length);
            offset += chunk.Length;
        }
    }
}
