using System.Text;
using System.Text.Json.Nodes;
using Ciuic.Client;
using Ciuic.Snapshots;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Ciuic.Torch.Tests;

/// <summary>
/// What Python saves of torch's optimizers, as its golden files have it, restored into TorchSharp's. Python's are those of src/python/tests.
/// </summary>
[Collection("torch")]
public sealed class PythonValuesTests
{
    [Theory]
    [InlineData("adamw")]
    [InlineData("adam-unknown")]
    [InlineData("sgd")]
    public async Task Values_of_torchs_optimizer_are_taken_by_TorchSharps(string name)
    {
        var live = name switch
        {
            "adamw" => (optim.Optimizer)optim.AdamW(Parameters(), 0.5),
            "sgd" => optim.SGD(Parameters(), 0.5, momentum: 0.1),
            _ => optim.Adam(Parameters(), 0.5),
        };
        var tracked = new TrackedOptimizer("optimizer", live);
        Roundtrip.Restore(await SavedAsync(tracked, Golden(name)), tracked);
        var said = JsonNode.Parse(Golden(name))!;
        var now = JsonNode.Parse(Assert.Single(tracked.Capture().Bytes).Value)!;
        foreach (var (option, value) in said["groups"]![0]!.AsObject())
            Assert.Equal(value!.ToJsonString().Replace("e-", "E-"), now["groups"]![0]![option]!.ToJsonString());
        Assert.Equal(said["states"]!.ToJsonString(), now["states"]!.ToJsonString());
    }

    [Fact]
    public async Task Another_class_does_not_fit_and_one_of_which_nothing_is_known_neither()
    {
        var tracked = new TrackedOptimizer("optimizer", optim.Adam(Parameters(), 0.5));
        Assert.Contains("saved AdamW", Assert.Single(tracked.Compare((await SavedAsync(tracked, Golden("adamw")))["optimizer"])));
        Assert.Contains("another language", Assert.Single(tracked.Compare((await SavedAsync(tracked, "{}"u8.ToArray()))["optimizer"])));
    }

    [Fact]
    public async Task Parameters_that_were_never_stepped_begin_with_zeros_and_groups_keep_theirs()
    {
        var (live, saved) = (InTwoGroups(), InTwoGroups());
        Step(live);
        var values = JsonNode.Parse(Values(new TrackedOptimizer("optimizer", saved)))!;
        Assert.Equal("[2,2]", values["counts"]!.ToJsonString());
        var tracked = new TrackedOptimizer("optimizer", live);
        Roundtrip.Restore(await Roundtrip.SaveAsync(ValuesOnly(values)), tracked);
        var moments = ((OptimizerHelper)live).state_dict().State.Cast<Adam.State>().ToList();
        Assert.All(moments, m => Assert.Equal((0L, 0f), (m.step, m.exp_avg.abs().max().item<float>())));
        Step(live); // goes on from there

        values["counts"] = new JsonArray(1, 3);
        var other = (await Roundtrip.SaveAsync(ValuesOnly(values)))["optimizer"];
        Assert.Contains("parameters in a group", tracked.Compare(other)[0]);
    }

    [Fact]
    public async Task Generators_of_Python_are_passed_over()
    {
        var tracked = new TrackedRandomState([]);
        var state = tracked.Capture();
        var saved = await Roundtrip.SaveAsync(new Saved(state with { Bytes = [.. state.Bytes, KeyValuePair.Create("python", "{}"u8.ToArray())] }));
        Assert.Empty(tracked.Compare(saved["rng"]));
        Assert.Equal("python", Assert.Single(tracked.Restore(saved["rng"])).Name);
    }

    private static byte[] Golden(string name) =>
        Ciuic.Testing.Golden.Read($"../../../src/python/tests/golden/optimizer-{name}.json");

    private static byte[] Values(ITrackedState state) => Assert.Single(state.Capture().Bytes).Value;

    private static List<Parameter> Parameters()
    {
        random.manual_seed(1);
        return [.. nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1)).parameters()];
    }

    private static optim.Optimizer InTwoGroups()
    {
        var parameters = Parameters();
        return optim.Adam([new Adam.ParamGroup(parameters.Take(2)), new Adam.ParamGroup(parameters.Skip(2))], 0.1);
    }

    private static void Step(optim.Optimizer optimizer)
    {
        optimizer.parameters().Select(p => p.sum()).Aggregate((a, b) => a + b).backward();
        optimizer.step();
    }

    /// <summary>The tensors of a live one, under values of Python's.</summary>
    private static Task<Dictionary<string, SavedItem>> SavedAsync(TrackedOptimizer tracked, byte[] values) =>
        Roundtrip.SaveAsync(new Saved(tracked.Capture() with { Bytes = [KeyValuePair.Create("values", values)] }));

    private static Saved ValuesOnly(JsonNode values) =>
        new(new ItemState("optimizer", [], [KeyValuePair.Create("values", Encoding.UTF8.GetBytes(values.ToJsonString()))], []));

    /// <summary>Saves what it was given.</summary>
    private sealed class Saved(ItemState state) : ITrackedState
    {
        public string Item => state.Item;

        public ItemState Capture() => state;

        public IReadOnlyList<string> Compare(SavedItem saved) => [];

        public IReadOnlyList<SkippedPart> Restore(SavedItem saved) => [];
    }
}
