using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>A model's weights in bfloat16: the upper half of each single, rounded to even, as PyTorch does it.</summary>
internal static class HalfWeights
{
    public static IReadOnlyList<ItemState> Of(IReadOnlyList<ItemState> state) =>
        [.. state.Where(i => i.Item == "model").Select(i => i with { Tensors = [.. i.Tensors.Where(t => t.DType == DType.Float32).Select(Halve)] })];

    private static TensorSource Halve(TensorSource tensor)
    {
        var singles = new byte[tensor.Length];
        tensor.CopyTo(0, singles);
        var halves = new byte[singles.Length / 2];
        for (var i = 0; i < halves.Length; i += 2)
        {
            var bits = BitConverter.ToUInt32(singles, 2 * i);
            var rounded = (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
            BitConverter.TryWriteBytes(halves.AsSpan(i), rounded);
        }

        return new ArrayTensor(tensor.Name, DType.BFloat16, [.. tensor.Shape], halves);
    }
}
