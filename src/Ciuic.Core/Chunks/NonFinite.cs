using System.Numerics;
using System.Runtime.InteropServices;

namespace Ciuic.Core;

/// <summary>Looks for NaN and infinity: numbers whose exponent is all ones.</summary>
public static class NonFinite
{
    /// <summary>Whether there is one among these bytes.</summary>
    /// <param name="bytes">Whole numbers of the type, little-endian.</param>
    /// <param name="dtype">Element type; integers have none.</param>
    public static bool IsIn(ReadOnlySpan<byte> bytes, DType dtype) => dtype switch
    {
        DType.Float16 or DType.Complex32 => Holds<ushort>(MemoryMarshal.Cast<byte, ushort>(bytes), 0x7C00),
        DType.BFloat16 => Holds<ushort>(MemoryMarshal.Cast<byte, ushort>(bytes), 0x7F80),
        DType.Float32 or DType.Complex64 => Holds<uint>(MemoryMarshal.Cast<byte, uint>(bytes), 0x7F80_0000),
        DType.Float64 or DType.Complex128 => Holds<ulong>(MemoryMarshal.Cast<byte, ulong>(bytes), 0x7FF0_0000_0000_0000),
        _ => false,
    };

    private static bool Holds<T>(ReadOnlySpan<T> numbers, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        var mask = new Vector<T>(exponent);
        var i = 0;
        for (; i <= numbers.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            if (Vector.EqualsAny(new Vector<T>(numbers[i..]) & mask, mask))
                return true;
        }

        for (; i < numbers.Length; i++)
        {
            if ((numbers[i] & exponent) == exponent)
                return true;
        }

        return false;
    }
}
