using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>Which of a shard's chunks hold what.</summary>
internal static class ShardChunks
{
    /// <summary>The chunks and their stretches of the shard.</summary>
    public static IEnumerable<(ChunkRecord Record, ChunkRange Range)> ChunksInOrder(this ShardManifest shard)
    {
        var offset = 0L;
        foreach (var chunk in shard.Chunks)
        {
            yield return (chunk, new ChunkRange(offset, chunk.Length));
            offset += chunk.Length;
        }
    }

    /// <summary>The chunks that hold something that is wanted.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="wanted">Tells by item and name.</param>
    public static List<(ChunkRecord Record, ChunkRange Range)> ChunksOf(this ShardManifest shard, Func<string, string, bool> wanted)
    {
        var stretches = Damage.Stretches(shard)
            .Where(s => s.Length > 0 && wanted(s.Item, s.Name))
            .ToList();
        var needed = new List<(ChunkRecord, ChunkRange)>();
        var next = 0; // stretches lie in order, so one walk over both lists is enough
        foreach (var (chunk, range) in shard.ChunksInOrder())
        {
            while (next < stretches.Count && stretches[next].Offset + stretches[next].Length <= range.Offset)
                next++;
            if (next < stretches.Count && stretches[next].Offset < range.Offset + range.Length)
                needed.Add((chunk, range));
        }

        return needed;
    }
}
