using Ciuic.Core;
using TorchSharp;

namespace Ciuic.Torch;

/// <summary>Which tensors are this rank's part of larger ones, cut in whatever way; others are whole.</summary>
/// <example>
/// <code>
/// var slices = new TensorSlices().Add(shard.weight, TensorSlice.OfRows([rows, columns], rank, worldSize));
/// run.Track("model", model, slices).Track("optimizer", optimizer, slices);
/// </code>
/// </example>
public sealed class TensorSlices
{
    private readonly Dictionary<torch.Tensor, TensorSlice> _slices = new(ReferenceEqualityComparer.Instance);

    /// <summary>All tensors are whole.</summary>
    internal static TensorSlices None { get; } = new();

    /// <summary>Whether all tensors are whole.</summary>
    internal bool IsEmpty => _slices.Count == 0;

    /// <summary>Says where a tensor lies in a larger one.</summary>
    /// <param name="tensor">A parameter or buffer; must live as long as this.</param>
    /// <param name="slice">Its place.</param>
    /// <exception cref="InvalidInputException">The tensor has another shape than the slice, or the slice reaches beyond the whole.</exception>
    public TensorSlices Add(torch.Tensor tensor, TensorSlice slice)
    {
        var (whole, box) = (slice.WholeShape, slice.Box);
        var fits = tensor.shape.SequenceEqual(box.Shape) && whole.Count == box.Shape.Count && box.Offset.Count == whole.Count
            && Enumerable.Range(0, whole.Count).All(d => box.Offset[d] >= 0 && box.Offset[d] + box.Shape[d] <= whole[d]);
        if (!fits)
        {
            throw new InvalidInputException(
                $"A tensor of [{string.Join(", ", tensor.shape)}] is no slice of [{string.Join(", ", box.Shape)}] at [{string.Join(", ", box.Offset)}] "
                + $"within [{string.Join(", ", whole)}].");
        }

        _slices[tensor] = slice;
        return this;
    }

    internal TensorSlice? Of(torch.Tensor tensor) => _slices.GetValueOrDefault(tensor);
}
