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

    /// <summary>16-bit unsigned integer.</summary>
    UInt16,

    /// <summary>32-bit unsigned integer.</summary>
    UInt32,

    /// <summary>64-bit unsigned integer.</summary>
    UInt64,

    /// <summary>Two halves: real, imaginary.</summary>
    Complex32,

    /// <summary>OCP 8-bit float: 4 bits of exponent, no infinity.</summary>
    Float8E4M3Fn,

    /// <summary>OCP 8-bit float: 5 bits of exponent.</summary>
    Float8E5M2,

    /// <summary>8-bit float: 4 bits of exponent, no infinity, no negative zero.</summary>
    Float8E4M3FnUz,

    /// <summary>8-bit float: 5 bits of exponent, no infinity, no negative zero.</summary>
    Float8E5M2FnUz,

    /// <summary>OCP scale: a power of two in 8 bits.</summary>
    Float8E8M0Fnu,

    /// <summary>OCP 4-bit floats, two in a byte, which counts as one element.</summary>
    Float4E2M1FnX2,

    /// <summary>Eight bits without a meaning of their own.</summary>
    Bits8,

    /// <summary>Sixteen bits without a meaning of their own.</summary>
    Bits16,

    /// <summary>Eight numbers of one bit in a byte, which counts as one element.</summary>
    Bits1X8,

    /// <summary>Four numbers of two bits in a byte, which counts as one element.</summary>
    Bits2X4,

    /// <summary>Two numbers of four bits in a byte, which counts as one element.</summary>
    Bits4X2,
}

/// <summary>Names and sizes of element types.</summary>
public static class DTypes
{
    private static readonly Dictionary<DType, string> WithUnderscores = new()
    {
        [DType.Float8E4M3Fn] = "float8_e4m3fn",
        [DType.Float8E5M2] = "float8_e5m2",
        [DType.Float8E4M3FnUz] = "float8_e4m3fnuz",
        [DType.Float8E5M2FnUz] = "float8_e5m2fnuz",
        [DType.Float8E8M0Fnu] = "float8_e8m0fnu",
        [DType.Float4E2M1FnX2] = "float4_e2m1fn_x2",
    };

    private static readonly Dictionary<string, DType> ByName = Enum.GetValues<DType>().ToDictionary(Name);

    /// <summary>Bytes of one element, 1 to 16.</summary>
    public static int Size(this DType dtype) => dtype switch
    {
        DType.UInt8 or DType.Int8 or DType.Bool or (>= DType.Float8E4M3Fn and <= DType.Bits8) => 1,
        DType.Bits1X8 or DType.Bits2X4 or DType.Bits4X2 => 1,
        DType.Int16 or DType.UInt16 or DType.Float16 or DType.BFloat16 or DType.Bits16 => 2,
        DType.Int32 or DType.UInt32 or DType.Float32 or DType.Complex32 => 4,
        DType.Int64 or DType.UInt64 or DType.Float64 or DType.Complex64 => 8,
        DType.Complex128 => 16,
        _ => throw new InvalidInputException($"{(int)dtype} is not an element type."),
    };

    /// <summary>Bytes of one number, 1 to 8: of a complex one, of each of its parts.</summary>
    public static int NumberSize(this DType dtype) =>
        dtype is DType.Complex32 or DType.Complex64 or DType.Complex128 ? dtype.Size() / 2 : dtype.Size();

    /// <summary>PyTorch's name, such as <c>bfloat16</c>.</summary>
    public static string Name(this DType dtype) =>
        WithUnderscores.TryGetValue(dtype, out var name) ? name : dtype.ToString().ToLowerInvariant();

    /// <summary>Finds an element type by PyTorch's name.</summary>
    public static bool TryParse(string name, out DType dtype) => ByName.TryGetValue(name, out dtype);

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
