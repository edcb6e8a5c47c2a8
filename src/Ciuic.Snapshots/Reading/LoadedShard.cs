using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// A shard whose asked-for items lie in an arena, every byte checked. Nothing has touched the live tensors yet.
/// </summary>
public sealed class LoadedShard
{
    private const int PieceBytes = 256 << 20;

    private readonly StagingArena _arena;

    private LoadedShard(StagingArena arena, ShardManifest manifest)
    {
        _arena = arena;
        Manifest = manifest;
    }

    /// <summary>What the shard holds.</summary>
    public ShardManifest Manifest { get; }

    /// <summary>Reads the chunks that hold the wanted items, on all cores.</summary>
    /// <param name="chunks">The bucket's chunks.</param>
    /// <param name="shard">The shard.</param>
    /// <param name="wanted">Tells by item and name what to load; other bytes of the arena are undefined.</param>
    /// <param name="arena">Takes the bytes.</param>
    /// <param name="parallelism">Chunks in flight at once.</param>
    /// <param name="cancel">Ends the loading.</param>
    /// <exception cref="CorruptException">A chunk is damaged: names run, snapshot, tensor and chunk.</exception>
    public static async Task<LoadedShard> LoadAsync(
        ChunkStore chunks,
        ShardManifest shard,
        Func<string, string, bool> wanted,
        StagingArena arena,
        int parallelism,
        CancellationToken cancel)
    {
        arena.Reserve(Math.Max(1, shard.Length));
        var options = new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancel };
        await Parallel.ForEachAsync(ChunksOf(shard, wanted), options, async (chunk, stop) =>
        {
            try
            {
                await chunks.ReadAsync(chunk.Record.Id, arena.Slice(chunk.Offset, chunk.Record.Length), stop);
            }
            catch (CorruptException error)
            {
                throw Damage.Describe(shard, chunk.Offset, chunk.Record.Length, error);
            }
        });
        return new LoadedShard(arena, shard);
    }

    /// <summary>Hands a tensor's bytes over in pieces: byte offset within the tensor, bytes.</summary>
    public void Read(TensorRecord tensor, Action<long, ReadOnlyMemory<byte>> copy)
    {
        for (var done = 0L; done < tensor.Length; done += PieceBytes)
        {
            var piece = (int)Math.Min(PieceBytes, tensor.Length - done);
            copy(done, _arena.Slice(tensor.Offset + done, piece));
        }
    }

    /// <summary>A copy of a byte item.</summary>
    public byte[] Read(ByteRecord item) => _arena.Slice(item.Offset, checked((int)item.Length)).ToArray();

    private static List<(ChunkRecord Record, long Offset)> ChunksOf(
        ShardManifest shard, Func<string, string, bool> wanted)
    {
        var stretches = Damage.Stretches(shard)
            .Where(s => s.Length > 0 && wanted(s.Item, s.Name))
            .ToList();
        var needed = new List<(ChunkRecord, long)>();
        var offset = 0L;
        var next = 0; // stretches lie in order, so one walk over both lists is enough
        foreach (var chunk in shard.Chunks)
        {
            var end = offset + chunk.Length;
            while (next < stretches.Count && stretches[next].Offset + stretches[next].Length <= offset)
                next++;
            if (next < stretches.Count && stretches[next].Offset < end)
                needed.Add((chunk, offset));
            offset = end;
        }

        return needed;
    }
}
