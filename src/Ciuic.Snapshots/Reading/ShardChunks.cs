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

    /// <summary>Reads chunks in families, several at once.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="places">Where each of the chunks lies in it.</param>
    /// <param name="parallelism">Families in flight at once.</param>
    /// <param name="readAsync">Reads one family.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="CorruptException">A chunk is damaged: names run, snapshot, tensor and chunk.</exception>
    public static Task ReadFamiliesAsync(
        this ShardManifest shard,
        ILookup<ChunkId, ChunkRange> places,
        int parallelism,
        Func<ChunkFamily, CancellationToken, Task<IReadOnlyDictionary<ChunkId, ChunkOutcome>>> readAsync,
        CancellationToken cancel)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = parallelism, CancellationToken = cancel };
        var families = new ChunkGraph(shard).FamiliesOf(places.Select(p => p.Key));
        return Parallel.ForEachAsync(families, options, async (family, stop) =>
        {
            foreach (var (id, outcome) in await readAsync(family, stop))
            {
                if (outcome.Damage is { } damage)
                    throw Damage.Describe(shard, places[id].First().Offset, places[id].First().Length, damage);
            }
        });
    }

    /// <summary>The chunks that hold something of some stretches.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="wanted">Stretches in order, none empty; they may overlap.</param>
    public static List<(ChunkRecord Record, ChunkRange Range)> ChunksOf(this ShardManifest shard, IReadOnlyList<ShardStretch> wanted)
    {
        var needed = new List<(ChunkRecord, ChunkRange)>();
        var next = 0; // both lie in order, so one walk over both lists is enough
        foreach (var (chunk, range) in shard.ChunksInOrder())
        {
            while (next < wanted.Count && wanted[next].Offset + wanted[next].Length <= range.Offset)
                next++;
            if (next < wanted.Count && wanted[next].Offset < range.Offset + range.Length)
                needed.Add((chunk, range));
        }

        return needed;
    }
}
