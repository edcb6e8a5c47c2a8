using System.Runtime.InteropServices;
using Ciuic.Core;
using Ciuic.Testing;
using CsCheck;

namespace Ciuic.Core.Tests;

/// <summary>Chunks of numbers: planes and deltas.</summary>
public sealed class PlaneTests
{
    private const double AnyGain = -10; // so that the delta is taken whether it pays or not

    public static TheoryData<int> Widths => [1, 2, 4, 8];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Numbers_of_any_width_and_count_come_back_alone_and_as_a_difference(int width)
    {
        using var encoder = new ChunkEncoder();
        using var decoder = new ChunkDecoder();
        Gen.Select(Gen.Int[1, 3_000], Gen.Int[0, 7], Gen.Int[1, 1 << 20], Gen.Int).Sample((elements, tail, spread, seed) =>
        {
            var before = Numbers(width, elements, tail, spread, seed);
            var now = Numbers(width, elements, tail, spread, seed + 1);
            var id = ChunkId.Of(now);
            Assert.Equal(now, decoder.Decode(id, encoder.Encode(now, width).Span));
            AssertDelta(encoder, decoder, now, before, width);
            AssertDelta(encoder, decoder, now, now, width);
        }, iter: 300, threads: 1);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void The_extremes_of_integers_do_not_overflow(int width)
    {
        using var encoder = new ChunkEncoder();
        using var decoder = new ChunkDecoder();
        var all = new byte[width * 100];
        foreach (var (now, before) in (Span<(byte, byte)>)[(0x00, 0xFF), (0xFF, 0x00), (0x80, 0x7F), (0x7F, 0x80)])
            AssertDelta(encoder, decoder, all.Select(_ => now).ToArray(), all.Select(_ => before).ToArray(), width);
    }

    [Fact]
    public void Weights_shrink_and_their_small_changes_more()
    {
        var before = Weights(1 << 18, 1);
        var now = Moved(before, 2);
        using var encoder = new ChunkEncoder();
        var alone = encoder.Encode(now, 4);
        Assert.Equal(ChunkCodec.Planes, ChunkFrame.ReadHeader(alone.Span).Codec);
        Assert.InRange(alone.Length, now.Length * 0.7, now.Length * 0.9);
        var aloneLength = alone.Length;
        var delta = encoder.TryEncodeDelta(now, 4, new ChunkBase(ChunkId.Of(before), before), 0.05);
        Assert.Equal(ChunkCodec.Delta, ChunkFrame.ReadHeader(delta.Span).Codec);
        Assert.InRange(delta.Length, 1, aloneLength * 0.8);
    }

    [Fact]
    public void A_difference_that_saves_nothing_is_not_taken()
    {
        var (now, other) = (Weights(1 << 16, 1), Weights(1 << 16, 2));
        using var encoder = new ChunkEncoder();
        Assert.True(encoder.TryEncodeDelta(now, 4, new ChunkBase(ChunkId.Of(other), other), 0.05).IsEmpty);
        Assert.Throws<InvalidInputException>(() =>
            encoder.TryEncodeDelta(now, 4, new ChunkBase(ChunkId.Of(other), other.AsSpan(4)), 0.05));
    }

    [Fact]
    public void Random_numbers_are_stored_as_they_are()
    {
        var plain = new byte[100_000];
        new Random(1).NextBytes(plain);
        using var encoder = new ChunkEncoder();
        Assert.Equal(ChunkCodec.Raw, ChunkFrame.ReadHeader(encoder.Encode(plain, 4).Span).Codec);
    }

    [Fact]
    public void A_delta_needs_its_own_base_and_no_other()
    {
        var before = Weights(1 << 14, 1);
        var now = Moved(before, 2);
        var (id, baseId) = (ChunkId.Of(now), ChunkId.Of(before));
        using var encoder = new ChunkEncoder();
        using var decoder = new ChunkDecoder();
        var frame = encoder.TryEncodeDelta(now, 4, new ChunkBase(baseId, before), 0).ToArray();
        var plain = new byte[now.Length];
        Refused("delta without a base", () => decoder.Decode(id, frame, plain));
        Refused("not to " + id, () => decoder.Decode(id, frame, plain, Base(id, now)));
        Refused("its base has", () => decoder.Decode(id, frame, plain, Base(baseId, before.AsSpan(4))));
        Refused("another SHA-256", () => decoder.Decode(id, frame, plain, Base(baseId, now)));
        Refused("no delta", () => decoder.Decode(id, encoder.Encode(now, 4).ToArray(), plain, Base(baseId, before)));
    }

    [Fact]
    public void Frames_of_old_are_still_read()
    {
        var (before, now) = GoldenPlain();
        var (baseId, id) = (ChunkId.Of(before), ChunkId.Of(now));
        using var decoder = new ChunkDecoder();
        Assert.Equal(before, decoder.Decode(baseId, Golden.Read("chunk-planes.golden")));
        foreach (var name in (string[])["chunk-delta-difference.golden", "chunk-delta-xor.golden"])
        {
            var plain = new byte[now.Length];
            decoder.Decode(id, Golden.Read(name), plain, Base(baseId, before));
            Assert.Equal(now, plain);
        }
    }

    [Fact]
    public void No_hostile_frame_gives_wrong_bytes_or_crashes()
    {
        var before = Weights(2_000, 1);
        var now = Moved(before, 2);
        var (id, baseId) = (ChunkId.Of(now), ChunkId.Of(before));
        using var encoder = new ChunkEncoder();
        using var decoder = new ChunkDecoder();
        var planes = encoder.Encode(now, 4).ToArray();
        var delta = encoder.TryEncodeDelta(now, 4, new ChunkBase(baseId, before), AnyGain).ToArray();
        Assert.Equal(ChunkCodec.Planes, ChunkFrame.ReadHeader(planes).Codec);
        // The header and the table of planes are where lies do most harm: hit them more often than their size says.
        var place = Gen.Frequency((3, Gen.Int[0, 80]), (1, Gen.Int[0, 4_000]));
        Gen.Select(Gen.Bool, place, Gen.Byte, Gen.Int[0, 8_000]).Sample((isDelta, at, value, length) =>
        {
            var hostile = (isDelta ? delta : planes).ToArray();
            hostile[at % hostile.Length] = value;
            var plain = new byte[now.Length];
            try
            {
                var cut = hostile.AsSpan(0, length < 4_000 ? Math.Min(length, hostile.Length) : hostile.Length);
                if (isDelta)
                    decoder.Decode(id, cut, plain, Base(baseId, before));
                else
                    decoder.Decode(id, cut, plain);
                Assert.Equal(now, plain);
            }
            catch (CorruptException error)
            {
                Assert.Contains(id.ToString(), error.Message);
            }
        }, iter: 5_000, threads: 1);
    }

    private static void AssertDelta(ChunkEncoder encoder, ChunkDecoder decoder, byte[] now, byte[] before, int width)
    {
        var basis = new ChunkBase(ChunkId.Of(before), before);
        var frame = encoder.TryEncodeDelta(now, width, basis, AnyGain);
        if (frame.IsEmpty)
            return; // it would be longer than the chunk
        var plain = new byte[now.Length];
        decoder.Decode(ChunkId.Of(now), frame.Span, plain, new ChunkSources(basis));
        Assert.Equal(now, plain);
    }

    private static void Refused(string reason, Action decode) =>
        Assert.Contains(reason, Assert.Throws<CorruptException>(decode).Message);

    private static byte[] Numbers(int width, int elements, int tail, int spread, int seed)
    {
        var random = new Random(seed);
        var bytes = new byte[(elements * width) + (tail % width)];
        for (var i = 0; i < elements; i++)
            Write(bytes.AsSpan(i * width, width), (long)random.Next(-spread, spread) << random.Next(2));
        return bytes;
    }

    private static ChunkSources Base(ChunkId id, ReadOnlySpan<byte> plain) => new(new ChunkBase(id, plain));

    /// <summary>The lowest bytes of a number, little-endian.</summary>
    private static void Write(Span<byte> element, long value)
    {
        for (var i = 0; i < element.Length; i++)
            element[i] = (byte)(value >> (8 * i));
    }

    private static byte[] Weights(int count, int seed)
    {
        var random = new Random(seed);
        return Bytes(Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() - 0.5) * 0.1)).ToArray());
    }

    /// <summary>What an optimizer's step does: every weight a little.</summary>
    private static byte[] Moved(byte[] weights, int seed)
    {
        var random = new Random(seed);
        return Bytes(MemoryMarshal.Cast<byte, float>(weights).ToArray()
            .Select(w => (float)(w + ((random.NextDouble() - 0.5) * 1e-5))).ToArray());
    }

    private static byte[] Bytes(float[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private static (byte[] Before, byte[] Now) GoldenPlain()
    {
        var before = Enumerable.Range(0, 1_000).Select(i => (float)i / 1_000).ToArray();
        var now = before.Select((w, i) => i % 3 == 0 ? w : w + (1f / (1 << 20))).ToArray();
        return (Bytes(before), Bytes(now));
    }
}
