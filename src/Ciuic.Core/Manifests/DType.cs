using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>The element types a tensor can have; the names are PyTorch's, the bytes little-endian.</summary>
[JsonConverter(typeof(DTypeJsonConverter))]
public enum DType
{
    /// <summary>8-bit unsigned integer.</summary>
    UInt8 = 1,

    /// <summary>8-bit integer.</summary>
    Int8,

    /// <summary>16-bit integer.</summary>
    Int16,

    /// <summary>32-bit integer.</summary>
    Int32,

    /// <summary>64-bit integer.</summary>
    Int64,

    /// <summary>IEEE 754 half.</summary>
    Float16,

    /// <summary>The upper half of an IEEE 754 single.</summary>
    BFloat16,

    /// <summary>IEEE 754 single.</summary>
    Float32,

    /// <summary>IEEE 754 double.</summary>
    Float64,

    /// <summary>Two singles: real, imaginary.</summary>
    Complex64,

    /// <summary>Two doubles: real, imaginary.</summary>
    Complex128,

    /// <summary>One byte, 0 or 1.</summary>
    Bool,
}

/// <summary>Names and sizes of element types.</summary>
public static class DTypes
{
    /// <summary>Bytes of one element, 1 to 16.</summary>
    public static int Size(this DType dtype) => dtype switch
    {
        DType.UInt8 or DType.Int8 or DType.Bool => 1,
        DType.Int16 or DType.Float16 or DType.BFloat16 => 2,
        DType.Int32 or DType.Float32 => 4,
        DType.Int64 or DType.Float64 or DType.Complex64 => 8,
        DType.Complex128 => 16,
        _ => throw new InvalidInputException($"{(int)dtype} is not an element type."),
    };

    /// <summary>Bytes of one number, 1 to 8: of a complex one, of each of its parts.</summary>
    public static int NumberSize(this DType dtype) =>
        dtype is DType.Complex64 or DType.Complex128 ? dtype.Size() / 2 : dtype.Size();

    /// <summary>PyTorch's name, such as <c>bfloat16</c>.</summary>
    public static string Name(this DType dtype) => dtype.ToString().ToLowerInvariant();

    /// <summary>Finds an element type by PyTorch's name.</summary>
    public static bool TryParse(string name, out DType dtype) =>
        Enum.TryParse(name, ignoreCase: true, out dtype) && dtype.Name() == name;

    /// <summary>Bytes of a tensor of this type and shape, or null where the product has no end in 63 bits.</summary>
    public static long? ByteLength(this DType dtype, IReadOnlyList<long> shape)
    {
        UInt128 bytes = (UInt128)dtype.Size();
        foreach (var extent in shape)
        {
            if (extent < 0)
                return null;
            bytes *= (UInt128)extent;
            if (bytes > long.MaxValue)
                return null;
        }

        return (long)bytes;
    }
}
