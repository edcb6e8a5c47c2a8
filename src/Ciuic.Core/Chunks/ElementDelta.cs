using System.Numerics;
using System.Runtime.InteropServices;

namespace Ciuic.Core;

/// <summary>Elements as little-endian integers, against elements of another chunk, and back. Lossless for any bytes.</summary>
internal static class ElementDelta
{
    /// <summary>Writes how <paramref name="now"/> differs from <paramref name="before"/>.</summary>
    /// <param name="operation">How.</param>
    /// <param name="width">Bytes of an element: 1, 2, 4 or 8.</param>
    /// <param name="now">Whole elements.</param>
    /// <param name="before">As many.</param>
    /// <param name="delta">As many.</param>
    public static void Take(
        DeltaOperation operation, int width, ReadOnlySpan<byte> now, ReadOnlySpan<byte> before, Span<byte> delta)
    {
        if (operation == DeltaOperation.Xor)
        {
            Xor(now, before, delta);
            return;
        }

        switch (width)
        {
            case 1: TakeDifference(Of<sbyte>(now), Of<sbyte>(before), Of<sbyte>(delta)); break;
            case 2: TakeDifference(Of<short>(now), Of<short>(before), Of<short>(delta)); break;
            case 4: TakeDifference(Of<int>(now), Of<int>(before), Of<int>(delta)); break;
            default: TakeDifference(Of<long>(now), Of<long>(before), Of<long>(delta)); break;
        }
    }

    /// <summary>Turns a delta back into the elements it was taken from, in place.</summary>
    public static void Apply(DeltaOperation operation, int width, Span<byte> delta, ReadOnlySpan<byte> before)
    {
        if (operation == DeltaOperation.Xor)
        {
            Xor(delta, before, delta);
            return;
        }

        switch (width)
        {
            case 1: AddDifference(Of<sbyte>(delta), Of<sbyte>(before)); break;
            case 2: AddDifference(Of<short>(delta), Of<short>(before)); break;
            case 4: AddDifference(Of<int>(delta), Of<int>(before)); break;
            default: AddDifference(Of<long>(delta), Of<long>(before)); break;
        }
    }

    private static void TakeDifference<T>(ReadOnlySpan<T> now, ReadOnlySpan<T> before, Span<T> delta)
        where T : unmanaged, IBinaryInteger<T>
    {
        var sign = (Marshal.SizeOf<T>() * 8) - 1;
        var i = 0;
        for (; i <= now.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            var d = new Vector<T>(now[i..]) - new Vector<T>(before[i..]);
            ((d << 1) ^ (d >> sign)).CopyTo(delta[i..]);
        }

        for (; i < now.Length; i++)
        {
            var d = unchecked(now[i] - before[i]);
            delta[i] = (d << 1) ^ (d >> sign);
        }
    }

    private static void AddDifference<T>(Span<T> delta, ReadOnlySpan<T> before)
        where T : unmanaged, IBinaryInteger<T>
    {
        var i = 0;
        for (; i <= delta.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            var z = new Vector<T>(delta[i..]);
            var d = (z >>> 1) ^ -(z & Vector<T>.One);
            (d + new Vector<T>(before[i..])).CopyTo(delta[i..]);
        }

        for (; i < delta.Length; i++)
            delta[i] = unchecked(((delta[i] >>> 1) ^ -(delta[i] & T.One)) + before[i]);
    }

    private static void Xor(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, Span<byte> result)
    {
        var i = 0;
        for (; i <= left.Length - Vector<byte>.Count; i += Vector<byte>.Count)
            (new Vector<byte>(left[i..]) ^ new Vector<byte>(right[i..])).CopyTo(result[i..]);
        for (; i < left.Length; i++)
            result[i] = (byte)(left[i] ^ right[i]);
    }

    private static ReadOnlySpan<T> Of<T>(ReadOnlySpan<byte> bytes)
        where T : struct => MemoryMarshal.Cast<byte, T>(bytes);

    private static Span<T> Of<T>(Span<byte> bytes)
        where T : struct => MemoryMarshal.Cast<byte, T>(bytes);
}
