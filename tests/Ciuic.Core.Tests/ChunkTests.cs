using Ciuic.Core;
using Ciuic.Testing;
using CsCheck;

namespace Ciuic.Core.Tests;

public sealed class ChunkTests
{
    [Fact]
    public void Any_bytes_come_back_as_they_went_in()
    {
        using var encoder = new ChunkEncoder();
        using var decoder = new ChunkDecoder();
        Gen.Select(Gen.Int[1, 300_000], Gen.Int[1, 256], Gen.Int).Sample((length, values, seed) =>
        {
            var random = new Random(seed);
            var plain = new byte[length];
            for (var i = 0; i < length; i++)
                plain[i] = (byte)random.Next(values);
            var id = ChunkId.Of(plain);
            Assert.Equal(plain, decoder.Decode(id, encoder.Encode(plain).Span));
        }, iter: 60, threads: 1);
    }

    [Fact]
    public void Bytes_that_do_not_compress_are_stored_as_they_are()
    {
        var plain = new byte[200_000];
        new Random(1).NextBytes(plain);
        using var encoder = new ChunkEncoder();
        var frame = encoder.Encode(plain);
        Assert.Equal(ChunkCodec.Raw, ChunkFrame.ReadHeader(frame.Span).Codec);
        Assert.Equal(plain.Length + ChunkFrame.HeaderSize, frame.Length);
    }

    [Fact]
    public void Bytes_that_compress_take_less_room()
    {
        using var encoder = new ChunkEncoder();
        var frame = encoder.Encode(new byte[200_000]);
        Assert.Equal(ChunkCodec.Zstd, ChunkFrame.ReadHeader(frame.Span).Codec);
        Assert.InRange(frame.Length, ChunkFrame.HeaderSize, 1_000);
    }

    [Fact]
    public void Frames_of_old_are_still_read()
    {
        using var decoder = new ChunkDecoder();
        byte[] raw = [.. "CIUC"u8, 1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, .. "hello"u8];
        Golden.Check("chunk-raw.golden", raw);
        Assert.Equal("hello"u8.ToArray(), decoder.Decode(ChunkId.Of("hello"u8), raw));
        // Another version of the library may compress differently; what it wrote once must be read for ever.
        var zeros = new byte[1_000];
        Assert.Equal(zeros, decoder.Decode(ChunkId.Of(zeros), Golden.Read("chunk-zstd.golden")));
    }

    [Theory]
    [InlineData(0, (byte)'X', "CIUC")]
    [InlineData(4, 2, "version 2")]
    [InlineData(5, 9, "codec 9")]
    [InlineData(6, 1, "reserved")]
    [InlineData(8, 4, "4")]
    [InlineData(15, 1, "promises")]
    [InlineData(16, (byte)'j', "SHA-256")]
    public void A_frame_that_lies_is_refused_with_the_reason(int at, byte value, string reason)
    {
        byte[] frame = [.. "CIUC"u8, 1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, .. "hello"u8];
        frame[at] = value;
        var id = ChunkId.Of("hello"u8);
        using var decoder = new ChunkDecoder();
        var error = Assert.Throws<CorruptException>(() => decoder.Decode(id, frame));
        Assert.Contains(reason, error.Message);
        Assert.Contains(id.ToString(), error.Message);
    }

    [Fact]
    public void No_hostile_frame_gives_wrong_bytes_or_crashes()
    {
        var plain = Enumerable.Range(0, 5_000).Select(i => (byte)(i / 50)).ToArray();
        var id = ChunkId.Of(plain);
        using var encoder = new ChunkEncoder();
        var frame = encoder.Encode(plain).ToArray();
        Assert.Equal(ChunkCodec.Zstd, ChunkFrame.ReadHeader(frame).Codec);
        Gen.Select(Gen.Int[0, frame.Length - 1], Gen.Byte, Gen.Int[0, frame.Length]).Sample((at, value, length) =>
        {
            var hostile = frame.ToArray();
            hostile[at] = value;
            using var decoder = new ChunkDecoder();
            try
            {
                Assert.Equal(plain, decoder.Decode(id, hostile.AsSpan(0, length)));
            }
            catch (CorruptException error)
            {
                Assert.Contains(id.ToString(), error.Message);
            }
        }, iter: 3_000, threads: 1);
    }
}
