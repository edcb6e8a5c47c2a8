using System.Buffers.Binary;

namespace Ciuic.Core;

/// <summary>
/// The stored form of a chunk: 16 bytes of header, then the payload. See FORMAT.md.
/// <code>
/// 0  "CIUC"          magic
/// 4  1               version
/// 5  codec           0 raw, 1 zstd, 2 planes, 3 delta, 4 prediction
/// 6  0, 0            reserved (client-side encryption); anything else is refused
/// 8  plain length    uint64, little-endian
/// 16 payload
/// </code>
/// </summary>
public readonly record struct ChunkFrame(ChunkCodec Codec, int PlainLength)
{
    /// <summary>Bytes before the payload.</summary>
    public const int HeaderSize = 16;

    private const byte Version = 1;

    private static ReadOnlySpan<byte> Magic => "CIUC"u8;

    /// <summary>Bytes that a frame of so many plain bytes has at most: whatever would be longer is stored raw.</summary>
    public static int MaxLength(int plainLength) => HeaderSize + PredictionHeader.Size + PlanePacker.MaxBody(plainLength);

    /// <summary>Writes the 16 bytes before the payload.</summary>
    public void WriteHeader(Span<byte> destination)
    {
        Magic.CopyTo(destination);
        destination[4] = Version;
        destination[5] = (byte)Codec;
        destination[6] = destination[7] = 0;
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], (ulong)PlainLength);
    }

    /// <summary>Reads the 16 bytes before the payload.</summary>
    /// <exception cref="CorruptException">They are no header this program knows; the message says why.</exception>
    public static ChunkFrame ReadHeader(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < HeaderSize)
            throw new CorruptException($"a frame of {frame.Length} bytes is shorter than its header");
        if (!frame.StartsWith(Magic))
            throw new CorruptException("the frame does not begin with CIUC");
        if (frame[4] != Version)
            throw new CorruptException($"the frame has version {frame[4]}, this program reads {Version}");
        if (frame[5] > (byte)ChunkCodec.Prediction)
            throw new CorruptException($"the frame's codec {frame[5]} is unknown");
        if (frame[6] != 0 || frame[7] != 0)
            throw new CorruptException("the frame's reserved bytes are not zero");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(frame[8..]);
        if (length is 0 or > ManifestLimits.MaxChunkBytes)
            throw new CorruptException($"the frame promises {length} plain bytes");
        return new ChunkFrame((ChunkCodec)frame[5], (int)length);
    }
}
