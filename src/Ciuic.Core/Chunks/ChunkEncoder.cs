using ZstdSharp;

namespace Ciuic.Core;

/// <summary>
/// Plain bytes to stored frames. Tries on a sample what pays, and stores as they are bytes that nothing shrinks. One encoder
/// serves one thread at a time; frames lie in memory of the caller's, so that it can encode the next one while a store still
/// takes the one before.
/// </summary>
public sealed class ChunkEncoder : IDisposable
{
    /// <summary>Bytes tried first; large enough to see the entropy, small enough to cost nothing.</summary>
    private const int SampleBytes = 64 << 10;

    /// <summary>Less gain than this is not worth the time to decode it.</summary>
    private const double WorthwhileRatio = 0.95;

    private readonly Compressor _compressor = new(level: 1);
    private readonly PlanePacker _packer = new();
    private readonly byte[] _predicted = new byte[PlanePacker.BlockElements * sizeof(float)];

    /// <summary>Bytes of memory that encoding a chunk of so many plain bytes takes, more than any frame of it has.</summary>
    /// <param name="plainLength">1 to 64 MiB.</param>
    public static int RoomFor(int plainLength) => ChunkFrame.HeaderSize
        + Math.Max(Compressor.GetCompressBound(plainLength), PredictionHeader.Size + PlanePacker.MaxBody(plainLength));

    /// <summary>Encodes one chunk of 1 to 64 MiB so that it needs no other one.</summary>
    /// <param name="plain">Its bytes.</param>
    /// <param name="width">Bytes of an element where all are of one size, 2, 4 or 8; otherwise 1; 0 to pack nothing.</param>
    /// <param name="frame">Takes the frame.</param>
    /// <returns>The frame, which lies in that.</returns>
    public ReadOnlyMemory<byte> Encode(ReadOnlySpan<byte> plain, int width, PageBuffer frame)
    {
        if (width == 0)
            return Raw(plain, frame);
        var payload = Payload(plain.Length, frame);
        var (codec, length) = width > 1 ? TryPlanes(plain, width, payload) : TryZstd(plain, payload);
        return length < plain.Length * WorthwhileRatio ? Finish(codec, plain, length, frame) : Raw(plain, frame);
    }

    /// <summary>Encodes one chunk as the difference to another, where a sample says that it saves enough.</summary>
    /// <param name="plain">Its bytes.</param>
    /// <param name="width">Bytes of an element: 1, 2, 4 or 8.</param>
    /// <param name="basis">A chunk of the same length.</param>
    /// <param name="minGain">
    /// The least part of the bytes without a base that must be saved, 0 to 1: a reader has to decode the base first.
    /// </param>
    /// <param name="frame">Takes the frame.</param>
    /// <returns>The frame, which lies in that; empty where it does not pay.</returns>
    /// <exception cref="InvalidInputException">The base has another length.</exception>
    public ReadOnlyMemory<byte> TryEncodeDelta(ReadOnlySpan<byte> plain, int width, ChunkBase basis, double minGain, PageBuffer frame)
    {
        if (basis.Plain.Length != plain.Length)
            throw new InvalidInputException($"A chunk of {plain.Length} bytes has no difference to one of {basis.Plain.Length}.");
        var (operation, estimate) = Choose(plain, width, basis);
        if (estimate > EstimateAlone(plain, width) * (1 - minGain))
            return default;
        var payload = Payload(plain.Length, frame);
        DeltaHeader.Write(payload, operation, basis.Id);
        var length = DeltaHeader.Size + _packer.Pack(
            plain, width, Reference.To(operation, new ChunkSources(basis)), payload[DeltaHeader.Size..]);
        return length <= plain.Length ? Finish(ChunkCodec.Delta, plain, length, frame) : default;
    }

    /// <summary>Encodes one chunk of singles as what is left after a prediction, where a sample says that it saves enough.</summary>
    /// <param name="plain">Its bytes.</param>
    /// <param name="sources">Base and inputs, of the same length.</param>
    /// <param name="candidates">Steps to try; the best is taken.</param>
    /// <param name="minGain">The least part of the bytes that must be saved against any other way to store it, 0 to 1.</param>
    /// <param name="frame">Takes the frame.</param>
    /// <returns>The frame, which lies in that; empty where it does not pay.</returns>
    /// <exception cref="InvalidInputException">A source has another length.</exception>
    public ReadOnlyMemory<byte> TryEncodePrediction(
        ReadOnlySpan<byte> plain, ChunkSources sources, ReadOnlySpan<Prediction> candidates, double minGain, PageBuffer frame)
    {
        foreach (var source in (ReadOnlySpan<int>)[sources.Base.Plain.Length, sources.Input1.Plain.Length, sources.Input2.Plain.Length])
        {
            if (source != plain.Length)
                throw new InvalidInputException($"A chunk of {plain.Length} bytes cannot be predicted from one of {source}.");
        }

        if (!AdamReplay.IsExact)
            return default;
        var (best, estimate) = Choose(plain, sources, candidates);
        var otherwise = Math.Min(EstimateAlone(plain, sizeof(float)), Choose(plain, sizeof(float), sources.Base).Estimate);
        if (estimate > otherwise * (1 - minGain))
            return default;
        var payload = Payload(plain.Length, frame);
        PredictionHeader.Write(payload, best, sources);
        var length = PredictionHeader.Size + _packer.Pack(
            plain, sizeof(float), Reference.Of(best, sources, _predicted), payload[PredictionHeader.Size..]);
        return length <= plain.Length ? Finish(ChunkCodec.Prediction, plain, length, frame) : default;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _compressor.Dispose();
        _packer.Dispose();
    }

    private double EstimateAlone(ReadOnlySpan<byte> plain, int width) =>
        Math.Min(WorthwhileRatio, _packer.Estimate(plain, width, Reference.None));

    private (Prediction Best, double Estimate) Choose(
        ReadOnlySpan<byte> plain, ChunkSources sources, ReadOnlySpan<Prediction> candidates)
    {
        var (best, least) = (candidates[0], double.MaxValue);
        foreach (var candidate in candidates)
        {
            var estimate = _packer.Estimate(plain, sizeof(float), Reference.Of(candidate, sources, _predicted));
            if (estimate < least)
                (best, least) = (candidate, estimate);
        }

        return (best, least);
    }

    private (DeltaOperation Operation, double Estimate) Choose(ReadOnlySpan<byte> plain, int width, ChunkBase basis)
    {
        var sources = new ChunkSources(basis);
        var difference = _packer.Estimate(plain, width, Reference.To(DeltaOperation.Difference, sources));
        var xor = _packer.Estimate(plain, width, Reference.To(DeltaOperation.Xor, sources));
        return xor < difference ? (DeltaOperation.Xor, xor) : (DeltaOperation.Difference, difference);
    }

    private (ChunkCodec, int) TryPlanes(ReadOnlySpan<byte> plain, int width, Span<byte> payload) =>
        _packer.Estimate(plain, width, Reference.None) < WorthwhileRatio
            ? (ChunkCodec.Planes, _packer.Pack(plain, width, Reference.None, payload))
            : (ChunkCodec.Raw, plain.Length);

    private (ChunkCodec, int) TryZstd(ReadOnlySpan<byte> plain, Span<byte> payload)
    {
        var sample = plain.Length > SampleBytes ? plain.Slice((plain.Length - SampleBytes) / 2, SampleBytes) : plain;
        var pays = sample.Length == plain.Length || _compressor.Wrap(sample, payload) < SampleBytes * WorthwhileRatio;
        return pays ? (ChunkCodec.Zstd, _compressor.Wrap(plain, payload)) : (ChunkCodec.Raw, plain.Length);
    }

    private static ReadOnlyMemory<byte> Raw(ReadOnlySpan<byte> plain, PageBuffer frame)
    {
        plain.CopyTo(Payload(plain.Length, frame));
        return Finish(ChunkCodec.Raw, plain, plain.Length, frame);
    }

    private static ReadOnlyMemory<byte> Finish(ChunkCodec codec, ReadOnlySpan<byte> plain, int length, PageBuffer frame)
    {
        new ChunkFrame(codec, plain.Length).WriteHeader(frame.Span);
        return frame.Memory[..(ChunkFrame.HeaderSize + length)];
    }

    private static Span<byte> Payload(int plainLength, PageBuffer frame)
    {
        frame.Reserve(RoomFor(plainLength));
        return frame.Span[ChunkFrame.HeaderSize..];
    }
}
