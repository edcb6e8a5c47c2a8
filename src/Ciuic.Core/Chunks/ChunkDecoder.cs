using ZstdSharp;

namespace Ciuic.Core;

/// <summary>
/// Stored frames to plain bytes, every byte checked. One decoder serves one thread at a time.
/// </summary>
public sealed class ChunkDecoder : IDisposable
{
    private readonly Decompressor _decompressor = new();
    private readonly PlaneUnpacker _unpacker;
    private readonly byte[] _predicted = new byte[PlaneUnpacker.BlockElements * sizeof(float)];

    /// <summary>Makes a decoder with buffers of its own.</summary>
    public ChunkDecoder() => _unpacker = new PlaneUnpacker(_decompressor);

    /// <summary>Decodes a frame that needs no base into exactly <paramref name="plain"/> and checks it against its name.</summary>
    /// <exception cref="CorruptException">The frame is malformed, a delta, or holds other bytes than its name says.</exception>
    public void Decode(ChunkId id, ReadOnlySpan<byte> frame, Span<byte> plain) => Decode(id, frame, plain, ChunkSources.None);

    /// <summary>Decodes a frame into exactly <paramref name="plain"/> and checks it against its name.</summary>
    /// <param name="id">The chunk's name.</param>
    /// <param name="frame">Its stored bytes.</param>
    /// <param name="plain">Takes its plain bytes.</param>
    /// <param name="sources">The chunks it is stored with.</param>
    /// <exception cref="CorruptException">
    /// The frame is malformed, needs other chunks, or holds other bytes than its name says.
    /// </exception>
    public void Decode(ChunkId id, ReadOnlySpan<byte> frame, Span<byte> plain, ChunkSources sources) =>
        Decode(id, frame, plain, sources, isChecked: true);

    /// <summary>
    /// Decodes a frame without checking the bytes against its name: only for what another chunk is stored with, which is
    /// checked in the end.
    /// </summary>
    /// <param name="id">The chunk's name.</param>
    /// <param name="frame">Its stored bytes.</param>
    /// <param name="plain">Takes its plain bytes.</param>
    /// <param name="sources">The chunks it is stored with itself.</param>
    /// <exception cref="CorruptException">The frame is malformed.</exception>
    public void DecodeBase(ChunkId id, ReadOnlySpan<byte> frame, Span<byte> plain, ChunkSources sources) =>
        Decode(id, frame, plain, sources, isChecked: false);

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

    private void Decode(ChunkId id, ReadOnlySpan<byte> frame, Span<byte> plain, ChunkSources sources, bool isChecked)
    {
        try
        {
            var header = ChunkFrame.ReadHeader(frame);
            if (header.PlainLength != plain.Length)
                throw new CorruptException($"it holds {header.PlainLength} plain bytes, the manifest says {plain.Length}");
            Require(header.Codec, sources);
            Unpack(header.Codec, frame[ChunkFrame.HeaderSize..], plain, sources);
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

    /// <summary>The manifest says how a chunk is stored: a frame that says otherwise is not the one it means.</summary>
    private static void Require(ChunkCodec codec, ChunkSources sources)
    {
        if (sources.CanPredict != (codec == ChunkCodec.Prediction))
            throw new CorruptException(sources.CanPredict ? "it is no prediction" : "it is a prediction without its sources");
        if (!sources.CanPredict && sources.Base.IsNone == (codec == ChunkCodec.Delta))
            throw new CorruptException(sources.Base.IsNone ? "it is a delta without a base" : "it is no delta");
    }

    private void Unpack(ChunkCodec codec, ReadOnlySpan<byte> payload, Span<byte> plain, ChunkSources sources)
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
                _unpacker.Unpack(payload, plain, Reference.None);
                break;
            case ChunkCodec.Delta:
                UnpackDelta(payload, plain, sources);
                break;
            default:
                UnpackPrediction(payload, plain, sources);
                break;
        }
    }

    private void UnpackDelta(ReadOnlySpan<byte> payload, Span<byte> plain, ChunkSources sources)
    {
        var delta = DeltaHeader.Read(payload);
        if (delta.Base != sources.Base.Id)
            throw new CorruptException($"it is a delta to {delta.Base}, not to {sources.Base.Id}");
        RequireLength(sources.Base, plain.Length);
        _unpacker.Unpack(payload[DeltaHeader.Size..], plain, Reference.To(delta.Operation, sources));
    }

    private void UnpackPrediction(ReadOnlySpan<byte> payload, Span<byte> plain, ChunkSources sources)
    {
        var header = PredictionHeader.Read(payload);
        if (header.Base != sources.Base.Id || header.Input1 != sources.Input1.Id || header.Input2 != sources.Input2.Id)
            throw new CorruptException("it is predicted from other chunks than the manifest says");
        RequireLength(sources.Base, plain.Length);
        RequireLength(sources.Input1, plain.Length);
        RequireLength(sources.Input2, plain.Length);
        var body = payload[PredictionHeader.Size..];
        if (PlaneBody.ReadWidth(body) != sizeof(float))
            throw new CorruptException("its elements are no singles");
        _unpacker.Unpack(body, plain, Reference.Of(header.How, sources, _predicted));
    }

    private static void RequireLength(ChunkBase source, int length)
    {
        if (source.Plain.Length != length)
            throw new CorruptException($"its base has {source.Plain.Length} bytes, it has {length}");
    }

    private static CorruptException Damaged(ChunkId id, string why) => new($"chunk {id} is damaged: {why}");
}
