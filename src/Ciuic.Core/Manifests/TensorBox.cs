namespace Ciuic.Core;

/// <summary>A box of elements within a whole tensor, stored row-major by itself.</summary>
/// <param name="Offset">First element per dimension.</param>
/// <param name="Shape">Extent per dimension, as many.</param>
public sealed record TensorBox(IReadOnlyList<long> Offset, IReadOnlyList<long> Shape)
{
    /// <summary>Elements of the box.</summary>
    public long Count => Shape.Aggregate(1L, (product, extent) => product * extent);

    /// <summary>All of a tensor.</summary>
    public static TensorBox Whole(IReadOnlyList<long> shape) => new(new long[shape.Count], shape);

    /// <summary>Whether both have the same elements.</summary>
    public bool IsSame(TensorBox other) => Offset.SequenceEqual(other.Offset) && Shape.SequenceEqual(other.Shape);

    /// <summary>The elements that both have; null where there are none.</summary>
    public TensorBox? Intersect(TensorBox other)
    {
        var (offset, shape) = (new long[Shape.Count], new long[Shape.Count]);
        for (var d = 0; d < shape.Length; d++)
        {
            offset[d] = Math.Max(Offset[d], other.Offset[d]);
            shape[d] = Math.Min(Offset[d] + Shape[d], other.Offset[d] + other.Shape[d]) - offset[d];
            if (shape[d] <= 0)
                return null;
        }

        return new TensorBox(offset, shape);
    }

    /// <summary>The stretch of this box, as it is stored, from the first to behind the last element of a box within it.</summary>
    public (long Begin, long End) StretchOf(TensorBox inner)
    {
        var last = inner.Offset.Zip(inner.Shape, (offset, extent) => offset + extent - 1).ToArray();
        return (PositionOf(inner.Offset), PositionOf(last) + 1);
    }

    /// <summary>
    /// What to copy from this box into another one, as stretches that are contiguous in both; source and target positions grow.
    /// </summary>
    public IEnumerable<CopyRun> RunsTo(TensorBox target)
    {
        if (Intersect(target) is not { } common)
            yield break;
        // Dimensions behind this one are whole in both boxes: a step in this one is as many elements further on in both.
        var (inner, length) = (Shape.Count, 1L);
        while (inner > 0 && common.Shape[inner - 1] == Shape[inner - 1] && common.Shape[inner - 1] == target.Shape[inner - 1])
            length *= Shape[--inner];
        if (inner > 0)
            length *= common.Shape[--inner];
        var at = common.Offset.ToArray();
        do
        {
            yield return new CopyRun(PositionOf(at), target.PositionOf(at), length);
        }
        while (Advance(at, common, inner));
    }

    /// <summary>Counts up all dimensions before one; false after the last.</summary>
    private static bool Advance(long[] at, TensorBox within, int before)
    {
        for (var d = before - 1; d >= 0; d--)
        {
            if (++at[d] < within.Offset[d] + within.Shape[d])
                return true;
            at[d] = within.Offset[d];
        }

        return false;
    }

    private long PositionOf(IReadOnlyList<long> at)
    {
        var position = 0L;
        for (var d = 0; d < at.Count; d++)
            position = position * Shape[d] + at[d] - Offset[d];
        return position;
    }
}

/// <summary>Elements to copy.</summary>
/// <param name="From">The first one's place in the source.</param>
/// <param name="To">Its place in the target.</param>
/// <param name="Count">How many, 1 or more.</param>
public readonly record struct CopyRun(long From, long To, long Count);
