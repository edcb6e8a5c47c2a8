using System.Buffers.Binary;

namespace Ciuic.Core;

/// <summary>How one plane is stored. The numbers are on disk; never reuse one.</summary>
internal enum PlaneMethod : byte
{
    Raw = 0,
    Zstd = 1,
}

/// <summary>
/// The table before the planes of a chunk: width, then method and stored length of each plane. See FORMAT.md.
/// </summary>
internal static class PlaneBody
{
    /// <summary>Bytes of one plane's entry.</summary>
    private const int EntrySize = 5;

    /// <summary>Bytes of the table.</summary>
    public static int TableSize(int width) => 1 + (EntrySize * width);

    public static void WriteEntry(Span<byte> body, int plane, PlaneMethod method, int length)
    {
        var entry = body.Slice(1 + (EntrySize * plane), EntrySize);
        entry[0] = (byte)method;
        BinaryPrimitives.WriteInt32LittleEndian(entry[1..], length);
    }

    /// <summary>The width that a body says it has.</summary>
    /// <exception cref="CorruptException">There is none, or it is no width.</exception>
    public static int ReadWidth(ReadOnlySpan<byte> body)
    {
        if (body.Length == 0 || body[0] is not (1 or 2 or 4 or 8))
            throw new CorruptException(body.Length == 0 ? "it has no planes" : $"its elements have {body[0]} bytes");
        return body.Length >= TableSize(body[0]) ? body[0] : throw new CorruptException("its table of planes is cut off");
    }

    /// <summary>Method and stored length of a plane of so many bytes.</summary>
    /// <exception cref="CorruptException">They cannot be.</exception>
    public static (PlaneMethod Method, int Length) ReadEntry(ReadOnlySpan<byte> body, int plane, int bytes)
    {
        var entry = body.Slice(1 + (EntrySize * plane), EntrySize);
        var length = BinaryPrimitives.ReadInt32LittleEndian(entry[1..]);
        if (entry[0] > (byte)PlaneMethod.Zstd)
            throw new CorruptException($"the method {entry[0]} of its plane {plane} is unknown");
        if (length < 0 || length > bytes || (entry[0] == (byte)PlaneMethod.Raw && length != bytes))
            throw new CorruptException($"its plane {plane} of {bytes} bytes claims to be stored in {length}");
        return ((PlaneMethod)entry[0], length);
    }
}
