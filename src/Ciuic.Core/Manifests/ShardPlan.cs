namespace Ciuic.Core;

/// <summary>One stretch of a shard that becomes one chunk.</summary>
/// <param name="Offset">First byte within the shard.</param>
/// <param name="Length">Bytes, 1 to the chunk size.</param>
public readonly record struct ChunkRange(long Offset, int Length);

/// <summary>
/// Where to cut a shard. A large tensor begins a chunk and ends one, so that it keeps its chunks while others
/// change; small tensors in a row share chunks. Cuts depend on sizes only: the same model is always cut alike.
/// </summary>
public static class ShardPlan
{
    /// <summary>Bytes of a full chunk: measured alike from 1 to 16 MiB, 64 KiB costs half as much again.</summary>
    public const int DefaultChunkBytes = 4 << 20;

    /// <summary>Cuts a shard whose records have these lengths, in order.</summary>
    /// <param name="lengths">Bytes of each record, 0 or more.</param>
    /// <param name="chunkBytes">Bytes of a full chunk, 1 to 64 MiB; a record of a quarter of it is large.</param>
    public static List<ChunkRange> Cut(IEnumerable<long> lengths, int chunkBytes)
    {
        var cuts = new List<ChunkRange>();
        long begin = 0, end = 0;
        foreach (var length in lengths)
        {
            var large = length >= Math.Max(1, chunkBytes / 4);
            if (large || end + length - begin > chunkBytes)
                begin = Flush(cuts, begin, end, chunkBytes);
            end += length;
            if (large)
                begin = Flush(cuts, begin, end, chunkBytes);
        }

        Flush(cuts, begin, end, chunkBytes);
        return cuts;
    }

    private static long Flush(List<ChunkRange> cuts, long begin, long end, int chunkBytes)
    {
        for (var at = begin; at < end; at += chunkBytes)
            cuts.Add(new ChunkRange(at, (int)Math.Min(chunkBytes, end - at)));
        return end;
    }
}
