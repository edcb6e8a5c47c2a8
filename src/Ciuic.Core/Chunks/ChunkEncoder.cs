using ZstdSharp;

namespace Ciuic.Core;

/// <summary>
/// Plain bytes to stored frames. Tries on a sample what pays, and stores as they are bytes that nothing shrinks. One encoder
/// serves one thread at a time and keeps its buffers.
/// </summary>
public sealed class ChunkEncoder : IDisposable
{
    /// <summary>Bytes tried first; large enough to see the entropy, small enough to cost nothing.</summary>
    private const int SampleBytes = 64 << 10;

    /// <summary>Less gain than this is not worth the time to decode it.</summary>
    private const double WorthwhileRatio = 0.95;

    private readonly Compressor _compressor = new(level: 1);
    private readonly PlanePacker _packer = new();
    private readonly PageBuffer _buffer = new();

    /// <summary>Encodes one chunk of 1 to 64 MiB so that it needs no other one.</summary>
    /// <param name="plain">Its bytes.</param>
    /// <param name="width">Bytes of an element where all are of one size, 2, 4 or 8; otherwise 1; 0 to pack nothing.</param>
    /// <returns>The frame, valid until the next call.</returns>
    public ReadOnlyMemory<byte> Encode(ReadOnlySpan<byte> plain, int width = 1)
    {
        if (width == 0)
            return Raw(plain);
        Reserve(plain.Length);
        var payload = _buffer.Span[ChunkFrame.HeaderSize..];
        var (codec, length) = width > 1 ? TryPlanes(plain, width, payload) : TryZstd(plain, payload);
        return length < plain.Length * WorthwhileRatio ? Frame(codec, plain, length) : Raw(plain);
    }

    /// <summary>Encodes one chunk as the difference to another, where a sample says that it saves enough.</summary>
    /// <param name="plain">Its bytes.</param>
    /// <param name="width">Bytes of an element: 1, 2, 4 or 8.</param>
    /// <param name="basis">A chunk of the same length.</param>
    /// <param name="minGain">
    /// The least part of the bytes without a base that must be saved, 0 to 1: a reader has to decode the base first.
    /// </param>
    /// <returns>The frame, valid until the next call; empty where it does not pay.</returns>
    /// <exception cref="InvalidInputException">The base has another length.</exception>
    public ReadOnlyMemory<byte> TryEncodeDelta(ReadOnlySpan<byte> plain, int width, ChunkBase basis, double minGain)
    {
        if (basis.Plain.Length != plain.Length)
            throw new InvalidInputException($"A chunk of {plain.Length} bytes has no difference to one of {basis.Plain.Length}.");
        var (operation, estimate) = Choose(plain, width, basis.Plain);
        var alone = Math.Min(WorthwhileRatio, _packer.Estimate(plain, width, null, default));
        if (estimate > alone * (1 - minGain))
            return default;
        Reserve(plain.Length);
        var payload = _buffer.Span[ChunkFrame.HeaderSize..];
        DeltaHeader.Write(payload, operation, basis.Id);
        var length = DeltaHeader.Size + _packer.Pack(plain, width, operation, basis.Plain, payload[DeltaHeader.Size..]);
        return length <= plain.Length ? Frame(ChunkCodec.Delta, plain, length) : default;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _compressor.Dispose();
        _packer.Dispose();
    }

    private (DeltaOperation Operation, double Estimate) Choose(ReadOnlySpan<byte> plain, int width, ReadOnlySpan<byte> before)
    {
        var difference = _packer.Estimate(plain, width, DeltaOperation.Difference, before);
        var xor = _packer.Estimate(plain, width, DeltaOperation.Xor, before);
        return xor < difference ? (DeltaOperation.Xor, xor) : (DeltaOperation.Difference, difference);
    }

    private (ChunkCodec, int) TryPlanes(ReadOnlySpan<byte> plain, int width, Span<byte> payload) =>
        _packer.Estimate(plain, width, null, default) < WorthwhileRatio
            ? (ChunkCodec.Planes, _packer.Pack(plain, width, null, default, payload))
            : (ChunkCodec.Raw, plain.Length);

    private (ChunkCodec, int) TryZstd(ReadOnlySpan<byte> plain, Span<byte> payload)
    {
        var sample = plain.Length > SampleBytes ? plain.Slice((plain.Length - SampleBytes) / 2, SampleBytes) : plain;
        var pays = sample.Length == plain.Length || _compressor.Wrap(sample, payload) < SampleBytes * WorthwhileRatio;
        return pays ? (ChunkCodec.Zstd, _compressor.Wrap(plain, payload)) : (ChunkCodec.Raw, plain.Length);
    }

    private ReadOnlyMemory<byte> Raw(ReadOnlySpan<byte> plain)
    {
        Reserve(plain.Length);
        plain.CopyTo(_buffer.Span[ChunkFrame.HeaderSize..]);
        return Frame(ChunkCodec.Raw, plain, plain.Length);
    }

    private ReadOnlyMemory<byte> Frame(ChunkCodec codec, ReadOnlySpan<byte> plain, int length)
    {
        new ChunkFrame(codec, plain.Length).WriteHeader(_buffer.Span);
        return _buffer.Memory[..(ChunkFrame.HeaderSize + length)];
    }

    private void Reserve(int plainLength)
    {
        var payload = Math.Max(Compressor.GetCompressBound(plainLength), DeltaHeader.Size + PlanePacker.MaxBody(plainLength));
        _buffer.Reserve(ChunkFrame.HeaderSize + payload);
    }
}
