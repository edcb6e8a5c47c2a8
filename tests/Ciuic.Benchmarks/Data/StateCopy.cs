using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Benchmarks;

/// <summary>A state as it was at one step, while training goes on.</summary>
internal static class StateCopy
{
    public static IReadOnlyList<ItemState> Of(IReadOnlyList<ItemState> live) =>
        live.Select(item => item with { Tensors = [.. item.Tensors.Select(t => new Tensor(t))] }).ToList();

    private sealed class Tensor : TensorSource
    {
        private readonly byte[] _content;

        public Tensor(TensorSource live)
        {
            (Name, DType, Shape, Identity) = (live.Name, live.DType, live.Shape, live.Identity);
            _content = new byte[live.Length];
            live.CopyTo(0, _content);
        }

        public override string Name { get; }

        public override DType DType { get; }

        public override IReadOnlyList<long> Shape { get; }

        public override object Identity { get; }

        public override void CopyTo(long offset, Span<byte> destination) =>
            _content.AsSpan((int)offset, destination.Length).CopyTo(destination);
    }
}
