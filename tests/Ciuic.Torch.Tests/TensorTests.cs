using Ciuic.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace Ciuic.Torch.Tests;

[Collection("torch")]
public sealed class TensorTests
{
    public static TheoryData<ScalarType> Types() =>
    [
        ScalarType.Byte, ScalarType.Int8, ScalarType.Int16, ScalarType.Int32, ScalarType.Int64, ScalarType.Float16,
        ScalarType.BFloat16, ScalarType.Float32, ScalarType.Float64, ScalarType.ComplexFloat32,
        ScalarType.ComplexFloat64, ScalarType.Bool,
    ];

    [Theory]
    [MemberData(nameof(Types))]
    public async Task Every_element_type_comes_back_bit_for_bit(ScalarType type)
    {
        var live = (rand(7, 5) * 100).to(type);
        var expected = Bytes(live);
        Assert.Contains(expected, b => b != 0);
        await RestoreAsync(live, () => live.zero_());
        Assert.Equal(expected, Bytes(live));
    }

    [Fact]
    public async Task Scalars_empty_tensors_and_not_a_numbers_come_back()
    {
        foreach (var live in new[] { tensor(3.5), zeros(0, 4), tensor(new[] { float.NaN, float.NegativeInfinity, -0f }) })
        {
            var expected = Bytes(live);
            await RestoreAsync(live, () => live.zero_());
            Assert.Equal(expected, Bytes(live));
        }
    }

    [Fact]
    public async Task A_tensor_with_gaps_comes_back_in_place()
    {
        var whole = rand(6, 4);
        var live = whole.t(); // not contiguous, shares the storage
        Assert.False(live.is_contiguous());
        var expected = Bytes(whole);
        await RestoreAsync(live, () => whole.zero_());
        Assert.Equal(expected, Bytes(whole));
    }

    [Fact]
    public void A_quantized_tensor_is_refused_by_name()
    {
        var quantized = quantize_per_tensor(rand(4), 0.1, 0, ScalarType.QInt8);
        var error = Assert.Throws<InvalidInputException>(() => Tracked(quantized).Capture());
        Assert.Contains("'t'", error.Message);
    }

    [Fact]
    public void A_tensor_over_2_GiB_is_read_and_written_beyond_the_reach_of_a_span()
    {
        using var scope = NewDisposeScope();
        const long Size = (1L << 31) + 64;
        var live = zeros(Size, ScalarType.Byte);
        TensorBytes.Slice(live, Size - 32, 32).Fill(7);
        Assert.Equal(7, live[Size - 1].item<byte>());
        var source = new TorchTensorSource("t", live);
        Assert.Equal(Size, source.Length);
        var tail = new byte[48];
        source.CopyTo(Size - 48, tail);
        Assert.Equal([.. new byte[16], .. Enumerable.Repeat((byte)7, 32)], tail);
    }

    [Fact]
    public async Task Every_way_in_which_a_model_does_not_fit_is_named_and_nothing_is_changed()
    {
        using var saved = nn.Sequential(("a", nn.Linear(4, 3)), ("b", nn.Linear(3, 2)));
        var items = await Roundtrip.SaveAsync(TrackedTensors.Of("model", saved));
        using var live = nn.Sequential(("a", nn.Linear(4, 5)), ("c", nn.Linear(3, 2)));
        var before = Bytes(live.parameters().First());
        var mismatches = TrackedTensors.Of("model", live).Compare(items["model"]);
        Assert.Contains("model/a.weight: saved float32 [3, 4], live float32 [5, 4]", mismatches);
        Assert.Contains("model/c.weight: live, but not in the snapshot", mismatches);
        Assert.Contains("model/b.bias: in the snapshot, but not live", mismatches);
        Assert.Equal(before, Bytes(live.parameters().First()));
    }

    [Fact]
    public async Task Generators_of_the_program_go_on_where_they_were()
    {
        using var generator = new Generator(5);
        var tracked = new TrackedRandomState([generator]);
        rand(3, generator: generator);
        var saved = await Roundtrip.SaveAsync(tracked);
        float[][] expected = [Next(generator), Next(null)];
        random.manual_seed(77);
        Roundtrip.Restore(saved, tracked);
        Assert.Equal(expected, [Next(generator), Next(null)]);

        static float[] Next(Generator? from) => rand(3, generator: from).data<float>().ToArray();
    }

    private static TrackedTensors Tracked(Tensor live) => new("item", () => [("t", live)]);

    private static async Task RestoreAsync(Tensor live, Action spoil)
    {
        var saved = await Roundtrip.SaveAsync(Tracked(live));
        spoil();
        Roundtrip.Restore(saved, Tracked(live));
    }

    private static byte[] Bytes(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return TensorBytes.Slice(tensor, 0, (int)(tensor.numel() * tensor.ElementSize)).ToArray();
    }
}
