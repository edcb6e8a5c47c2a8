namespace Ciuic.Core;

/// <summary>
/// What a chunk holds, apart from the bytes: the same place of the same tensors in another snapshot holds what this one
/// is likely to be a small change of.
/// </summary>
/// <param name="Item">Item of the record its first byte belongs to.</param>
/// <param name="Name">Name of that record.</param>
/// <param name="Within">Bytes of that record before the chunk.</param>
/// <param name="Length">Bytes of the chunk.</param>
public readonly record struct ChunkPlace(string Item, string Name, long Within, int Length);

/// <summary>One chunk of a shard.</summary>
/// <param name="Range">Its stretch of the shard.</param>
/// <param name="Place">What it holds.</param>
/// <param name="Width">Bytes of an element of most of its bytes: 1, 2, 4 or 8.</param>
public readonly record struct ChunkLayout(ChunkRange Range, ChunkPlace Place, int Width)
{
    /// <summary>The layout of a shard cut into these ranges, in order.</summary>
    public static List<ChunkLayout> Of(
        IReadOnlyList<TensorRecord> tensors, IReadOnlyList<ByteRecord> bytes, IEnumerable<ChunkRange> ranges)
    {
        var records = tensors.Select(t => new Stretch(t.Item, t.Name, t.Offset, t.Length, t.DType.NumberSize()))
            .Concat(bytes.Select(b => new Stretch(b.Item, b.Name, b.Offset, b.Length, 1)))
            .Where(r => r.Length > 0)
            .ToList();
        var layout = new List<ChunkLayout>();
        var first = 0; // both lists lie in order, so one walk over both is enough
        foreach (var range in ranges)
        {
            while (records[first].End <= range.Offset)
                first++;
            var place = new ChunkPlace(records[first].Item, records[first].Name, range.Offset - records[first].Offset, range.Length);
            layout.Add(new ChunkLayout(range, place, WidthOf(records, first, range)));
        }

        return layout;
    }

    private static int WidthOf(List<Stretch> records, int first, ChunkRange range)
    {
        Span<long> bytes = stackalloc long[9];
        bytes.Clear();
        var end = range.Offset + range.Length;
        for (var i = first; i < records.Count && records[i].Offset < end; i++)
            bytes[records[i].Width] += Math.Min(records[i].End, end) - Math.Max(records[i].Offset, range.Offset);
        var width = 1;
        foreach (var candidate in (ReadOnlySpan<int>)[2, 4, 8])
            width = bytes[candidate] > bytes[width] ? candidate : width;
        return width;
    }

    private readonly record struct Stretch(string Item, string Name, long Offset, long Length, int Width)
    {
        public long End => Offset + Length;
    }
}
