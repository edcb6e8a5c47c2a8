using ZstdSharp;

namespace Ciuic.Core;

/// <summary>
/// Stored frames to plain bytes, every byte checked. One decoder serves one thread at a time.
/// </summary>
public sealed class ChunkDecoder : IDisposable
{
    private readonly Decompressor _decompressor = new();
    private readonly PlaneUnpacker _unpacker;

    /// <summary>Makes a decoder with buffers of its own.</summary>
    public ChunkDecoder() => _unpacker = new PlaneUnpacker(_decompressor);

    /// <summary>Decodes a frame that needs no base into exactly <paramref name="plain"/> and checks it against its name.</summary>
    /// <exception cref="CorruptException">The frame is malformed, a delta, or holds other bytes than its name says.</exception>
    public void Decode(ChunkId id, ReadOnlySpan<byte> frame, Span<byte> plain) => Decode(id, frame, plain, ChunkBase.None);

    /// <summary>Decodes a frame into exactly <paramref name="plain"/> and checks it against its name.</summary>
    /// <param name="id">The chunk's name.</param>
    /// <param name="frame">Its stored bytes.</param>
    /// <param name="plain">Takes its plain bytes.</param>
    /// <param name="basis">The chunk it is the difference to, or <see cref="ChunkBase.None"/>.</param>
    /// <exception cref="CorruptException">
    /// The frame is malformed, needs a base or another one, or holds other bytes than its name says.
    /// </exception>
    public void Decode(ChunkId id, ReadOnlySpan<byte> frame, Span<byte> plain, ChunkBase basis) =>
        Decode(id, frame, plain, basis, isChecked: true);

    /// <summary>
    /// Decodes a frame without checking the bytes against its name: only for a base, whose wrong byte makes a wrong byte of
    /// the chunk that is checked in the end.
    /// </summary>
    /// <param name="id">The chunk's name.</param>
    /// <param name="frame">Its stored bytes.</param>
    /// <param name="plain">Takes its plain bytes.</param>
    /// <param name="basis">Its own base, or <see cref="ChunkBase.None"/>.</param>
    /// <exception cref="CorruptException">The frame is malformed.</exception>
    public void DecodeBase(ChunkId id, ReadOnlySpan<byte> frame, Span<byte> plain, ChunkBase basis) =>
        Decode(id, frame, plain, basis, isChecked: false);

    /// <summary>Decodes a frame of unknown plain length that needs no base, and checks it against its name.</summary>
    /// <exception cref="CorruptException">The frame is malformed, a delta, or holds other bytes than its name says.</exception>
    public byte[] Decode(ChunkId id, ReadOnlySpan<byte> frame)
    {
        var plain = GC.AllocateUninitializedArray<byte>(PlainLength(id, frame));
        Decode(id, frame, plain);
        return plain;
    }

    /// <summary>The plain length that a frame promises.</summary>
    /// <exception cref="CorruptException">The frame has no valid header.</exception>
    public static int PlainLength(ChunkId id, ReadOnlySpan<byte> frame)
    {
        try
        {
            return ChunkFrame.ReadHeader(frame).PlainLength;
        }
        catch (CorruptException error)
        {
            throw Damaged(id, error.Message);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _decompressor.Dispose();

    private void Decode(ChunkId id, ReadOnlySpan<byte> frame, Span<byte> plain, ChunkBase basis, bool isChecked)
    {
        try
        {
            var header = ChunkFrame.ReadHeader(frame);
            if (header.PlainLength != plain.Length)
                throw new CorruptException($"it holds {header.PlainLength} plain bytes, the manifest says {plain.Length}");
            if (basis.IsNone == (header.Codec == ChunkCodec.Delta))
                throw new CorruptException(basis.IsNone ? "it is a delta without a base" : "it is no delta");
            Unpack(header.Codec, frame[ChunkFrame.HeaderSize..], plain, basis);
        }
        catch (CorruptException error)
        {
            throw Damaged(id, error.Message);
        }
        catch (ZstdException error)
        {
            throw Damaged(id, $"its zstd frame cannot be read ({error.Message})");
        }

        if (isChecked && ChunkId.Of(plain) != id)
            throw Damaged(id, "its bytes have another SHA-256 than its name");
    }

    private void Unpack(ChunkCodec codec, ReadOnlySpan<byte> payload, Span<byte> plain, ChunkBase basis)
    {
        switch (codec)
        {
            case ChunkCodec.Raw:
                if (payload.Length != plain.Length)
                    throw new CorruptException($"{payload.Length} raw bytes stand for {plain.Length}");
                payload.CopyTo(plain);
                break;
            case ChunkCodec.Zstd:
                var written = _decompressor.Unwrap(payload, plain);
                if (written != plain.Length)
                    throw new CorruptException($"its zstd frame holds {written} bytes instead of {plain.Length}");
                break;
            case ChunkCodec.Planes:
                _unpacker.Unpack(payload, plain, null, default);
                break;
            default:
                UnpackDelta(payload, plain, basis);
                break;
        }
    }

    private void UnpackDelta(ReadOnlySpan<byte> payload, Span<byte> plain, ChunkBase basis)
    {
        var delta = DeltaHeader.Read(payload);
        if (delta.Base != basis.Id)
            throw new CorruptException($"it is a delta to {delta.Base}, not to {basis.Id}");
        if (basis.Plain.Length != plain.Length)
            throw new CorruptException($"its base has {basis.Plain.Length} bytes, it has {plain.Length}");
        _unpacker.Unpack(payload[DeltaHeader.Size..], plain, delta.Operation, basis.Plain);
    }

    private static CorruptException Damaged(ChunkId id, string why) => new($"chunk {id} is damaged: {why}");
}
