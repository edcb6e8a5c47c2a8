using Ciuic.Snapshots;
using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>A state as it was at one step, while training goes on.</summary>
internal static class StateCopy
{
    public static IReadOnlyList<ItemState> Of(IReadOnlyList<ItemState> live) =>
        live.Select(item => item with { Tensors = item.Tensors.Select(Copy).ToList() }).ToList();

    private static TensorSource Copy(TensorSource source)
    {
        var content = new byte[source.Length];
        source.CopyTo(0, content);
        return new ArrayTensor(source.Name, source.DType, [.. source.Shape], content);
    }
}
