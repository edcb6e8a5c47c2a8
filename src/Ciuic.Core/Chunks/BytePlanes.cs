using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Ciuic.Core;

/// <summary>
/// Transposes elements of 1, 2, 4 or 8 bytes into planes of bytes of equal significance, and back. Sixteen elements at a
/// time in registers; the rest one by one.
/// </summary>
internal static class BytePlanes
{
    private const int Lanes = 16;

    /// <summary>A 4 x 4 transposition of bytes, which is its own inverse.</summary>
    private static Vector128<byte> Transpose4 =>
        Vector128.Create((byte)0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);

    private static Vector128<byte> EvenThenOdd =>
        Vector128.Create((byte)0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);

    private static Vector128<byte> Interleave =>
        Vector128.Create((byte)0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);

    /// <summary>Elements to planes.</summary>
    /// <param name="elements">Whole elements.</param>
    /// <param name="width">Bytes of an element: 1, 2, 4 or 8.</param>
    /// <param name="planes">The planes' memory: plane p begins at p times <paramref name="stride"/>, least significant first.</param>
    /// <param name="stride">Bytes from one plane to the next.</param>
    public static void Split(ReadOnlySpan<byte> elements, int width, Span<byte> planes, int stride)
    {
        var count = elements.Length / width;
        var done = width switch
        {
            2 => Split2(elements, planes[..count], planes.Slice(stride, count)),
            4 => Split4(elements, planes, stride, count),
            _ => 0,
        };
        for (var p = 0; p < width; p++)
        {
            var plane = planes.Slice(p * stride, count);
            for (var i = done; i < count; i++)
                plane[i] = elements[(i * width) + p];
        }
    }

    /// <summary>Planes to elements.</summary>
    /// <param name="planes">One plane each, least significant first.</param>
    /// <param name="start">The first element.</param>
    /// <param name="elements">Takes whole elements.</param>
    public static void Join(PlaneSet planes, int start, Span<byte> elements)
    {
        var count = elements.Length / planes.Width;
        var done = planes.Width switch
        {
            2 => Join2(planes, start, elements, count),
            4 => Join4(planes, start, elements, count),
            _ => 0,
        };
        for (var p = 0; p < planes.Width; p++)
        {
            var plane = planes[p].Slice(start, count);
            for (var i = done; i < count; i++)
                elements[(i * planes.Width) + p] = plane[i];
        }
    }

    private static int Split2(ReadOnlySpan<byte> elements, Span<byte> low, Span<byte> high)
    {
        ref var from = ref MemoryMarshal.GetReference(elements);
        var i = 0;
        for (; i <= low.Length - Lanes; i += Lanes)
        {
            var a = Vector128.Shuffle(Vector128.LoadUnsafe(ref from, (nuint)(2 * i)), EvenThenOdd).AsUInt64();
            var b = Vector128.Shuffle(Vector128.LoadUnsafe(ref from, (nuint)(2 * i) + Lanes), EvenThenOdd).AsUInt64();
            Low(a, b).AsByte().CopyTo(low[i..]);
            High(a, b).AsByte().CopyTo(high[i..]);
        }

        return i;
    }

    private static int Split4(ReadOnlySpan<byte> elements, Span<byte> planes, int stride, int count)
    {
        ref var from = ref MemoryMarshal.GetReference(elements);
        ref var to = ref MemoryMarshal.GetReference(planes);
        var i = 0;
        for (; i <= count - Lanes; i += Lanes)
        {
            var at = (nuint)(4 * i);
            var (p0, p1, p2, p3) = Transpose(
                Vector128.Shuffle(Vector128.LoadUnsafe(ref from, at), Transpose4).AsUInt32(),
                Vector128.Shuffle(Vector128.LoadUnsafe(ref from, at + 16), Transpose4).AsUInt32(),
                Vector128.Shuffle(Vector128.LoadUnsafe(ref from, at + 32), Transpose4).AsUInt32(),
                Vector128.Shuffle(Vector128.LoadUnsafe(ref from, at + 48), Transpose4).AsUInt32());
            p0.AsByte().StoreUnsafe(ref to, (nuint)i);
            p1.AsByte().StoreUnsafe(ref to, (nuint)(stride + i));
            p2.AsByte().StoreUnsafe(ref to, (nuint)((2 * stride) + i));
            p3.AsByte().StoreUnsafe(ref to, (nuint)((3 * stride) + i));
        }

        return i;
    }

    private static int Join2(PlaneSet planes, int start, Span<byte> elements, int count)
    {
        ref var low = ref MemoryMarshal.GetReference(planes[0].Slice(start, count));
        ref var high = ref MemoryMarshal.GetReference(planes[1].Slice(start, count));
        ref var to = ref MemoryMarshal.GetReference(elements);
        var i = 0;
        for (; i <= count - Lanes; i += Lanes)
        {
            var a = Vector128.LoadUnsafe(ref low, (nuint)i).AsUInt64();
            var b = Vector128.LoadUnsafe(ref high, (nuint)i).AsUInt64();
            Vector128.Shuffle(Low(a, b).AsByte(), Interleave).StoreUnsafe(ref to, (nuint)(2 * i));
            Vector128.Shuffle(High(a, b).AsByte(), Interleave).StoreUnsafe(ref to, (nuint)(2 * i) + Lanes);
        }

        return i;
    }

    private static int Join4(PlaneSet planes, int start, Span<byte> elements, int count)
    {
        ref var p0 = ref MemoryMarshal.GetReference(planes[0].Slice(start, count));
        ref var p1 = ref MemoryMarshal.GetReference(planes[1].Slice(start, count));
        ref var p2 = ref MemoryMarshal.GetReference(planes[2].Slice(start, count));
        ref var p3 = ref MemoryMarshal.GetReference(planes[3].Slice(start, count));
        ref var to = ref MemoryMarshal.GetReference(elements);
        var i = 0;
        for (; i <= count - Lanes; i += Lanes)
        {
            var (a, b, c, d) = Transpose(
                Vector128.LoadUnsafe(ref p0, (nuint)i).AsUInt32(),
                Vector128.LoadUnsafe(ref p1, (nuint)i).AsUInt32(),
                Vector128.LoadUnsafe(ref p2, (nuint)i).AsUInt32(),
                Vector128.LoadUnsafe(ref p3, (nuint)i).AsUInt32());
            var at = (nuint)(4 * i);
            Vector128.Shuffle(a.AsByte(), Transpose4).StoreUnsafe(ref to, at);
            Vector128.Shuffle(b.AsByte(), Transpose4).StoreUnsafe(ref to, at + 16);
            Vector128.Shuffle(c.AsByte(), Transpose4).StoreUnsafe(ref to, at + 32);
            Vector128.Shuffle(d.AsByte(), Transpose4).StoreUnsafe(ref to, at + 48);
        }

        return i;
    }

    /// <summary>A 4 x 4 transposition of words, which is its own inverse.</summary>
    private static (Vector128<uint> A, Vector128<uint> B, Vector128<uint> C, Vector128<uint> D) Transpose(
        Vector128<uint> a, Vector128<uint> b, Vector128<uint> c, Vector128<uint> d)
    {
        var (ab, cd) = (Low(a, b).AsUInt64(), Low(c, d).AsUInt64());
        var (ef, gh) = (High(a, b).AsUInt64(), High(c, d).AsUInt64());
        return (Low(ab, cd).AsUInt32(), High(ab, cd).AsUInt32(), Low(ef, gh).AsUInt32(), High(ef, gh).AsUInt32());
    }

    private static Vector128<uint> Low(Vector128<uint> a, Vector128<uint> b) =>
        Sse2.IsSupported ? Sse2.UnpackLow(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b)
        : Vector128.Create(a[0], b[0], a[1], b[1]);

    private static Vector128<uint> High(Vector128<uint> a, Vector128<uint> b) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b)
        : Vector128.Create(a[2], b[2], a[3], b[3]);

    private static Vector128<ulong> Low(Vector128<ulong> a, Vector128<ulong> b) => Vector128.Create(a.GetLower(), b.GetLower());

    private static Vector128<ulong> High(Vector128<ulong> a, Vector128<ulong> b) => Vector128.Create(a.GetUpper(), b.GetUpper());
}
