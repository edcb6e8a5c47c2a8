using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Testing;

/// <summary>A tensor that is an array of bytes.</summary>
public sealed class ArrayTensor(string name, DType dtype, long[] shape, byte[] content) : TensorSource
{
    public override string Name => name;

    public override DType DType => dtype;

    public override IReadOnlyList<long> Shape => shape;

    public byte[] Content => content;

    /// <summary>A tensor of float32 with pseudo-random bytes.</summary>
    public static ArrayTensor Random(string name, int elements, int seed)
    {
        var content = new byte[4 * elements];
        new Random(seed).NextBytes(content);
        return new ArrayTensor(name, DType.Float32, [elements], content);
    }

    public override void CopyTo(long offset, Span<byte> destination) =>
        content.AsSpan((int)offset, destination.Length).CopyTo(destination);
}
