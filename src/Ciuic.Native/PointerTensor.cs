using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Native;

/// <summary>A tensor in the caller's memory.</summary>
internal sealed unsafe class PointerTensor(LiveTensor live) : TensorSource
{
    private readonly byte* _start = (byte*)live.Address;

    public override string Name => live.Name;

    public override DType DType { get; } = DTypes.TryParse(live.Dtype, out var dtype)
        ? dtype
        : throw new InvalidInputException($"'{live.Name}' has elements of the type {live.Dtype}, which cannot be saved.");

    public override IReadOnlyList<long> Shape => live.Shape;

    public override bool IsOfFirstRank => live.FirstRank;

    public override void CopyTo(long offset, Span<byte> destination) =>
        new ReadOnlySpan<byte>(_start + offset, destination.Length).CopyTo(destination);
}
