using ZstdSharp;

namespace Ciuic.Core;

/// <summary>
/// Plain bytes to stored frames. Compresses where a sample says that it pays; otherwise the bytes are stored as
/// they are. One encoder serves one thread at a time and keeps its buffers.
/// </summary>
public sealed class ChunkEncoder : IDisposable
{
    /// <summary>Bytes tried first; large enough to see the entropy, small enough to cost nothing.</summary>
    private const int SampleBytes = 64 << 10;

    /// <summary>Less gain than this is not worth the time to decode it.</summary>
    private const double WorthwhileRatio = 0.95;

    private readonly Compressor _compressor = new(level: 1);
    private byte[] _buffer = [];

    /// <summary>Encodes one chunk of 1 to 64 MiB.</summary>
    /// <returns>The frame, valid until the next call.</returns>
    public ReadOnlyMemory<byte> Encode(ReadOnlySpan<byte> plain)
    {
        Reserve(ChunkFrame.HeaderSize + Math.Max(plain.Length, Compressor.GetCompressBound(plain.Length)));
        var payload = _buffer.AsSpan(ChunkFrame.HeaderSize);
        var length = PaysOff(plain) ? _compressor.Wrap(plain, payload) : plain.Length;
        var codec = length < plain.Length * WorthwhileRatio ? ChunkCodec.Zstd : ChunkCodec.Raw;
        if (codec == ChunkCodec.Raw)
        {
            plain.CopyTo(payload);
            length = plain.Length;
        }

        new ChunkFrame(codec, plain.Length).WriteHeader(_buffer);
        return _buffer.AsMemory(0, ChunkFrame.HeaderSize + length);
    }

    /// <inheritdoc/>
    public void Dispose() => _compressor.Dispose();

    private bool PaysOff(ReadOnlySpan<byte> plain)
    {
        if (plain.Length <= SampleBytes)
            return true;
        var sample = plain.Slice((plain.Length - SampleBytes) / 2, SampleBytes);
        return _compressor.Wrap(sample, _buffer) < SampleBytes * WorthwhileRatio;
    }

    private void Reserve(int bytes)
    {
        if (_buffer.Length < bytes)
            _buffer = GC.AllocateUninitializedArray<byte>(bytes);
    }
}
