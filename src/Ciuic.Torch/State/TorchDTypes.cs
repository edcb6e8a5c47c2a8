using Ciuic.Core;
using TorchSharp;

namespace Ciuic.Torch;

/// <summary>TorchSharp's element types and ours.</summary>
internal static class TorchDTypes
{
    private static readonly Dictionary<torch.ScalarType, DType> Known = new()
    {
        [torch.ScalarType.Byte] = DType.UInt8,
        [torch.ScalarType.Int8] = DType.Int8,
        [torch.ScalarType.Int16] = DType.Int16,
        [torch.ScalarType.Int32] = DType.Int32,
        [torch.ScalarType.Int64] = DType.Int64,
        [torch.ScalarType.Float16] = DType.Float16,
        [torch.ScalarType.BFloat16] = DType.BFloat16,
        [torch.ScalarType.Float32] = DType.Float32,
        [torch.ScalarType.Float64] = DType.Float64,
        [torch.ScalarType.ComplexFloat32] = DType.Complex64,
        [torch.ScalarType.ComplexFloat64] = DType.Complex128,
        [torch.ScalarType.Bool] = DType.Bool,
    };

    public static DType ToCiuic(this torch.ScalarType type, string tensor) =>
        Known.TryGetValue(type, out var known)
            ? known
            : throw new InvalidInputException(
                $"Tensor '{tensor}' is of type {type}, whose values do not lie in its bytes alone: it cannot be saved.");

    /// <exception cref="InvalidInputException">PyTorch has saved it, and TorchSharp has no such type.</exception>
    public static torch.ScalarType ToTorch(this DType type) => Known.FirstOrDefault(pair => pair.Value == type) is { Value: not 0 } known
        ? known.Key
        : throw new InvalidInputException($"TorchSharp has no tensors of {type.Name()}, which the snapshot holds.");
}
