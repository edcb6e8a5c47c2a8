using System.Runtime.InteropServices;
using Ciuic.Testing;
using CsCheck;

namespace Ciuic.Core.Tests;

/// <summary>Chunks that are told from an optimizer's step.</summary>
public sealed class PredictionTests : IDisposable
{
    private const double AnyGain = -10; // so that the prediction is taken whether it pays or not

    private readonly ChunkEncoder _encoder = new();
    private readonly ChunkDecoder _decoder = new();

    [Theory]
    [InlineData(1)]
    [InlineData(1_000)]
    public void Weights_of_a_replayed_step_cost_next_to_nothing_and_second_moments_little(long step)
    {
        var state = new AdamState(100_000, seed: 1);
        var before = state.Copy();
        state.Train(step);
        var moment = Encode(state.Square, before.Square, before.Mean, state.Mean, Prediction.OfSecondMoment(0.9, 0.999), 0.05);
        var weight = Encode(state.Weight, before.Weight, state.Mean, state.Square, state.Prediction(step), 0.05);
        Assert.InRange(weight.Length, 1, 400_000 * 0.001);
        Assert.InRange(moment.Length, 1, 400_000 * 0.1);
        Decode(moment, state.Square, before.Square, before.Mean, state.Mean);
        Decode(weight, state.Weight, before.Weight, state.Mean, state.Square);
    }

    [Fact]
    public void Of_several_steps_the_one_that_happened_is_taken()
    {
        var state = new AdamState(20_000, seed: 1);
        var before = state.Copy();
        state.Train(5);
        var right = state.Prediction(5);
        Prediction[] candidates = [right with { B = right.B * 0.99f }, right, right with { A = 1 }];
        var frame = _encoder.TryEncodePrediction(
            Bytes(state.Weight), Sources(before.Weight, state.Mean, state.Square), candidates, 0.05);
        Assert.InRange(frame.Length, 1, 80_000 * 0.01);
    }

    [Fact]
    public void A_step_that_did_not_happen_is_not_taken()
    {
        var state = new AdamState(20_000, seed: 1);
        var other = new AdamState(20_000, seed: 2);
        Assert.True(Encode(state.Weight, other.Weight, other.Mean, other.Square, state.Prediction(5), 0.05).IsEmpty);
    }

    [Fact]
    public void Any_bits_with_any_step_come_back() =>
        Gen.Select(Gen.Int, Gen.UInt, Gen.Bool, Gen.Int[0, 3]).Sample((seed, scalar, isWeight, tail) =>
        {
            // Any bit patterns, NaN, infinities and denormals among them, and a length that ends within a number.
            var random = new Random(seed);
            var sources = Enumerable.Range(0, 3).Select(_ => Noise(4_000 + tail, random)).ToArray();
            var how = new Prediction(
                isWeight ? PredictionKind.Weight : PredictionKind.SecondMoment, BitConverter.UInt32BitsToSingle(scalar), 1.5f, 0.999f, 1e-8f);
            var plain = Noise(4_000 + tail, random);
            AdamReplay.Predict(how, sources[0].AsSpan(0, 4_000), sources[1].AsSpan(0, 4_000), sources[2].AsSpan(0, 4_000), plain.AsSpan(0, 4_000));
            for (var i = 0; i < 4_000; i += 4 * random.Next(1, 20))
                plain[i] ^= (byte)random.Next(1, 4);
            var frame = _encoder.TryEncodePrediction(plain, Sources(sources), [how], AnyGain);
            Assert.InRange(frame.Length, 1, 4_000);
            var back = new byte[plain.Length];
            _decoder.Decode(ChunkId.Of(plain), frame.Span, back, Sources(sources));
            Assert.Equal(plain, back);
        }, threads: 1); // an encoder serves one at a time

    [Fact]
    public void Frames_that_another_program_wrote_are_read()
    {
        var (p0, m0, m1, v0) = GoldenSources();
        var v1 = new byte[400];
        var p1 = new byte[400];
        _decoder.Decode(
            Id("0a49adbbc34690548b5bc0d0c439056055b3ac3f8d9613894672e6589d352e2b"), Golden.Read("chunk-prediction-second-moment.golden"), v1, Sources(v0, m0, m1));
        _decoder.Decode(
            Id("a87a329d6a7a299a48d2913b3a1446045483ec80bff7a6bb892d2dd5571bab6e"), Golden.Read("chunk-prediction-weight.golden"), p1, Sources(p0, m1, v1));
    }

    [Fact]
    public void Frames_with_other_sources_or_that_are_cut_or_changed_are_refused()
    {
        var state = new AdamState(500, seed: 1);
        var before = state.Copy();
        state.Train(3);
        var frame = Encode(state.Weight, before.Weight, state.Mean, state.Square, state.Prediction(3), AnyGain).ToArray();
        var id = ChunkId.Of(Bytes(state.Weight));
        var plain = new byte[2_000];
        Refused("prediction without its sources", () => _decoder.Decode(id, frame, plain));
        Refused("prediction without its sources", () => _decoder.Decode(id, frame, plain, new ChunkSources(Base(before.Weight))));
        Refused("other chunks", () => _decoder.Decode(id, frame, plain, Sources(before.Weight, state.Square, state.Mean)));
        Refused("no prediction", () => _decoder.Decode(
            id, _encoder.Encode(Bytes(state.Weight), 4).ToArray(), plain, Sources(before.Weight, state.Mean, state.Square)));
        for (var at = 0; at < frame.Length; at++)
        {
            Refused("", () => _decoder.Decode(id, frame.AsSpan(0, at), plain, Sources(before.Weight, state.Mean, state.Square)));
            var changed = frame.ToArray();
            changed[at] ^= 1;
            RefusedOrRight(id, changed, Bytes(state.Weight), Sources(before.Weight, state.Mean, state.Square));
        }
    }

    [Fact]
    public void Sources_of_another_length_are_refused()
    {
        var error = Assert.Throws<InvalidInputException>(() => _encoder.TryEncodePrediction(
            new byte[8], Sources(new byte[8], new byte[8], new byte[4]), [Prediction.OfSecondMoment(0.9, 0.999)], 0));
        Assert.Contains("8 bytes", error.Message);
    }

    public void Dispose()
    {
        _encoder.Dispose();
        _decoder.Dispose();
    }

    private ReadOnlyMemory<byte> Encode(
        float[] plain, float[] basis, float[] input1, float[] input2, Prediction how, double minGain) =>
        _encoder.TryEncodePrediction(Bytes(plain), Sources(basis, input1, input2), [how], minGain).ToArray();

    private void Decode(ReadOnlyMemory<byte> frame, float[] expected, float[] basis, float[] input1, float[] input2)
    {
        var plain = new byte[4 * expected.Length];
        _decoder.Decode(ChunkId.Of(Bytes(expected)), frame.Span, plain, Sources(basis, input1, input2));
        Assert.Equal(Bytes(expected), plain);
    }

    private static void Refused(string reason, Action decode) =>
        Assert.Contains(reason, Assert.Throws<CorruptException>(decode).Message);

    /// <summary>A bit more of epsilon may predict the same.</summary>
    private void RefusedOrRight(ChunkId id, byte[] frame, byte[] expected, ChunkSources sources)
    {
        var plain = new byte[expected.Length];
        try
        {
            _decoder.Decode(id, frame, plain, sources);
            Assert.Equal(expected, plain);
        }
        catch (CorruptException)
        {
            // As it should be.
        }
    }

    private static ChunkId Id(string hex) => ChunkId.Parse(hex, null);

    private static ChunkSources Sources(params float[][] sources) => Sources([.. sources.Select(Bytes)]);

    private static ChunkSources Sources(params byte[][] sources) => new(Base(sources[0]), Base(sources[1]), Base(sources[2]));

    private static ChunkBase Base(float[] values) => Base(Bytes(values));

    private static ChunkBase Base(byte[] plain) => new(ChunkId.Of(plain), plain);

    private static byte[] Bytes(float[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private static byte[] Noise(int length, Random random)
    {
        var noise = new byte[length];
        random.NextBytes(noise);
        return noise;
    }

    private static (byte[] P0, byte[] M0, byte[] M1, byte[] V0) GoldenSources()
    {
        var p0 = Make(i => (float)((i - 50) / 1_000.0));
        var m1 = Make(i => ((i % 5) - 2) / 2_048f);
        var v0 = Make(i => (i % 11) / (float)(1 << 20));
        (m1[98], v0[97], p0[96]) = (float.PositiveInfinity, -1, BitConverter.UInt32BitsToSingle(0xFFC0_1234));
        return (Bytes(p0), Bytes(Make(i => ((i % 7) - 3) / 4_096f)), Bytes(m1), Bytes(v0));

        static float[] Make(Func<int, float> value) => Enumerable.Range(0, 100).Select(value).ToArray();
    }

    /// <summary>AdamW on singles, one operation after the other as PyTorch does them.</summary>
    private sealed class AdamState(int count, int seed)
    {
        private readonly Random _random = new(seed);

        public float[] Weight { get; private init; } = Make(count, seed, 0.02f);

        public float[] Mean { get; private init; } = Make(count, seed + 1, 1e-4f);

        public float[] Square { get; private init; } = [.. Make(count, seed + 2, 1e-4f).Select(g => g * g)];

        public AdamState Copy() => new(0, 0) { Weight = [.. Weight], Mean = [.. Mean], Square = [.. Square] };

        public Prediction Prediction(long step) => Core.Prediction.OfWeight(step, 3e-4, 0.9, 0.999, 1e-8, 0.1);

        public void Train(long step)
        {
            var rate = (float)-(3e-4 / (1 - Math.Pow(0.9, step)));
            var root = (float)Math.Sqrt(1 - Math.Pow(0.999, step));
            for (var i = 0; i < Weight.Length; i++)
            {
                var gradient = (float)((_random.NextDouble() - 0.5) * 1e-3);
                Weight[i] *= (float)(1 - (3e-4 * 0.1));
                Mean[i] = MathF.FusedMultiplyAdd(gradient, (float)(1 - 0.9), Mean[i] * 0.9f); // as its kernel does
                Square[i] = (Square[i] * 0.999f) + ((float)(1 - 0.999) * gradient * gradient);
                Weight[i] += rate * Mean[i] / ((MathF.Sqrt(Square[i]) / root) + 1e-8f);
            }
        }

        private static float[] Make(int count, int seed, float scale)
        {
            var random = new Random(seed);
            return Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() - 0.5) * scale)).ToArray();
        }
    }
}
