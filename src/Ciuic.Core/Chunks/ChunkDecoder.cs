using ZstdSharp;

namespace Ciuic.Core;

/// <summary>
/// Stored frames to plain bytes, every byte checked. One decoder serves one thread at a time.
/// </summary>
public sealed class ChunkDecoder : IDisposable
{
    private readonly Decompressor _decompressor = new();

    /// <summary>Decodes a frame into exactly <paramref name="plain"/> and checks it against its name.</summary>
    /// <exception cref="CorruptException">The frame is malformed or holds other bytes than its name says.</exception>
    public void Decode(ChunkId id, ReadOnlySpan<byte> frame, Span<byte> plain)
    {
        var header = ReadHeader(id, frame);
        if (header.PlainLength != plain.Length)
            throw Damaged(id, $"it holds {header.PlainLength} plain bytes, the manifest says {plain.Length}");
        Unpack(id, header.Codec, frame[ChunkFrame.HeaderSize..], plain);
        if (ChunkId.Of(plain) != id)
            throw Damaged(id, "its bytes have another SHA-256 than its name");
    }

    /// <summary>Decodes a frame of unknown plain length and checks it against its name.</summary>
    /// <exception cref="CorruptException">The frame is malformed or holds other bytes than its name says.</exception>
    public byte[] Decode(ChunkId id, ReadOnlySpan<byte> frame)
    {
        var plain = GC.AllocateUninitializedArray<byte>(ReadHeader(id, frame).PlainLength);
        Decode(id, frame, plain);
        return plain;
    }

    /// <inheritdoc/>
    public void Dispose() => _decompressor.Dispose();

    private static ChunkFrame ReadHeader(ChunkId id, ReadOnlySpan<byte> frame)
    {
        try
        {
            return ChunkFrame.ReadHeader(frame);
        }
        catch (CorruptException error)
        {
            throw Damaged(id, error.Message);
        }
    }

    private void Unpack(ChunkId id, ChunkCodec codec, ReadOnlySpan<byte> payload, Span<byte> plain)
    {
        if (codec == ChunkCodec.Raw)
        {
            if (payload.Length != plain.Length)
                throw Damaged(id, $"{payload.Length} raw bytes stand for {plain.Length}");
            payload.CopyTo(plain);
            return;
        }

        try
        {
            var written = _decompressor.Unwrap(payload, plain);
            if (written != plain.Length)
                throw Damaged(id, $"its zstd frame holds {written} bytes instead of {plain.Length}");
        }
        catch (ZstdException error)
        {
            throw Damaged(id, $"its zstd frame cannot be read ({error.Message})");
        }
    }

    private static CorruptException Damaged(ChunkId id, string why) => new($"chunk {id} is damaged: {why}");
}
