using System.Runtime.InteropServices;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Testing;

/// <summary>A tensor that is an array of bytes.</summary>
public sealed class ArrayTensor(string name, DType dtype, long[] shape, byte[] content) : TensorSource
{
    public override string Name => name;

    public override DType DType => dtype;

    public override IReadOnlyList<long> Shape => shape;

    public override object Identity => content;

    public byte[] Content => content;

    /// <summary>A tensor of float32 with pseudo-random bytes.</summary>
    public static ArrayTensor Random(string name, int elements, int seed)
    {
        var content = new byte[4 * elements];
        new Random(seed).NextBytes(content);
        return new ArrayTensor(name, DType.Float32, [elements], content);
    }

    /// <summary>A tensor of float32 like weights: small numbers around zero.</summary>
    public static ArrayTensor Weights(string name, int elements, int seed)
    {
        var random = new Random(seed);
        var values = Enumerable.Range(0, elements).Select(_ => (float)((random.NextDouble() - 0.5) * 0.1)).ToArray();
        return new ArrayTensor(name, DType.Float32, [elements], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
    }

    /// <summary>The same tensor after a training step: every weight a little other.</summary>
    public ArrayTensor Moved(int seed)
    {
        var random = new Random(seed);
        var moved = content.ToArray();
        foreach (ref var weight in MemoryMarshal.Cast<byte, float>(moved.AsSpan()))
            weight += (float)((random.NextDouble() - 0.5) * 1e-5);
        return new ArrayTensor(name, dtype, shape, moved);
    }

    public override void CopyTo(long offset, Span<byte> destination) =>
        content.AsSpan((int)offset, destination.Length).CopyTo(destination);
}
