using Ciuic.Core;
using Ciuic.Snapshots;
using TorchSharp;

namespace Ciuic.Torch;

/// <summary>A live tensor as bytes to be staged. Contiguous tensors in main memory are read where they lie.</summary>
internal sealed class TorchTensorSource(string name, torch.Tensor tensor, TensorSlice? slice = null, bool isOfFirstRank = false) : TensorSource
{
    public override string Name => name;

    public override DType DType { get; } = tensor.dtype.ToCiuic(name);

    public override IReadOnlyList<long> Shape { get; } = tensor.shape;

    public override TensorSlice? Slice => slice;

    public override bool IsOfFirstRank => isOfFirstRank;

    public override object Identity => tensor;

    public override void CopyTo(long offset, Span<byte> destination)
    {
        using var scope = torch.NewDisposeScope();
        TensorBytes.Slice(tensor, offset, destination.Length).CopyTo(destination);
    }
}
