namespace Ciuic.Core;

/// <summary>One rank's part of a tensor.</summary>
/// <param name="WholeShape">Extent of the whole tensor per dimension.</param>
/// <param name="Box">Where the part lies in it.</param>
public sealed record TensorSlice(IReadOnlyList<long> WholeShape, TensorBox Box)
{
    /// <summary>Rows of a tensor that is cut along its first dimension into parts of nearly equal size, one for each rank.</summary>
    /// <param name="wholeShape">Extents of the whole, at least one dimension.</param>
    /// <param name="rank">Whose part, from 0.</param>
    /// <param name="worldSize">Parts in all; where there are fewer rows than parts, some are empty.</param>
    public static TensorSlice OfRows(IReadOnlyList<long> wholeShape, int rank, int worldSize)
    {
        var (offset, shape) = (new long[wholeShape.Count], wholeShape.ToArray());
        offset[0] = wholeShape[0] * rank / worldSize;
        shape[0] = wholeShape[0] * (rank + 1) / worldSize - offset[0];
        return new TensorSlice(wholeShape, new TensorBox(offset, shape));
    }
}
