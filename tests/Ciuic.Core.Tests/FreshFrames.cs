namespace Ciuic.Core.Tests;

/// <summary>Encodes into memory of its own each time, for tests that look at several frames at once.</summary>
internal static class FreshFrames
{
    public static ReadOnlyMemory<byte> Encode(this ChunkEncoder encoder, ReadOnlySpan<byte> plain, int width = 1) =>
        encoder.Encode(plain, width, new PageBuffer());

    public static ReadOnlyMemory<byte> TryEncodeDelta(
        this ChunkEncoder encoder, ReadOnlySpan<byte> plain, int width, ChunkBase basis, double minGain) =>
        encoder.TryEncodeDelta(plain, width, basis, minGain, new PageBuffer());

    public static ReadOnlyMemory<byte> TryEncodePrediction(
        this ChunkEncoder encoder,
        ReadOnlySpan<byte> plain,
        ChunkSources sources,
        ReadOnlySpan<Prediction> candidates,
        double minGain) => encoder.TryEncodePrediction(plain, sources, candidates, minGain, new PageBuffer());
}
