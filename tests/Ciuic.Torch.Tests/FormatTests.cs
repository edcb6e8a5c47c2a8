using System.Text;
using Ciuic.Client;
using Ciuic.Snapshots;
using Ciuic.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace Ciuic.Torch.Tests;

/// <summary>
/// The bytes that src/Ciuic.Torch/FORMAT.md describes, against golden files: written as before, and read from what an
/// earlier version wrote.
/// </summary>
[Collection("torch")]
public sealed class FormatTests
{
    private static readonly Dictionary<string, Func<ITrackedState>> Cases = new()
    {
        ["optimizer-adamw"] = () => new TrackedOptimizer("item", Stepped(AdamW(0.01))),
        ["optimizer-sgd"] = () => new TrackedOptimizer("item", Stepped(p => optim.SGD(p, 0.05, momentum: 0.9))),
        ["optimizer-lbfgs"] = () => new TrackedOptimizer("item", optim.LBFGS(Parameters())),
        ["scheduler-sequential"] = () => new TrackedScheduler("item", Advanced(Sequential)),
        ["scheduler-multi-step"] = () => new TrackedScheduler("item", Advanced(o => optim.lr_scheduler.MultiStepLR(o, [2, 5], 0.5))),
        ["scheduler-plateau"] = () => new TrackedScheduler("item", optim.lr_scheduler.ReduceLROnPlateau(AdamW(0.01)(Parameters()))),
    };

    public static TheoryData<string> Names() => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Values_are_written_as_the_golden_file_has_them(string name) => Golden.Check($"{name}.json", Values(Cases[name]()));

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Values_of_the_golden_file_are_read(string name)
    {
        var golden = Golden.Read($"{name}.json");
        var live = Cases[name]();
        var saved = await Roundtrip.SaveAsync(new SavedValues(live.Capture(), golden));
        Roundtrip.Restore(saved, live);
        Assert.Equal(Encoding.UTF8.GetString(golden), Encoding.UTF8.GetString(Values(live)));
    }

    [Fact]
    public void Tensors_and_random_states_have_the_names_that_the_format_says()
    {
        var moments = Cases["optimizer-adamw"]().Capture().Tensors.Select(t => t.Name);
        Assert.Equal(["0.exp_avg", "0.exp_avg_sq", "1.exp_avg", "1.exp_avg_sq"], moments.Order());
        using var generator = new Generator(1);
        Assert.Equal(["cpu", "generator-0"], new TrackedRandomState([generator]).Capture().Bytes.Select(b => b.Key));
    }

    private static byte[] Values(ITrackedState state) => Assert.Single(state.Capture().Bytes).Value;

    private static IEnumerable<TorchSharp.Modules.Parameter> Parameters()
    {
        random.manual_seed(1);
        return nn.Linear(2, 1).parameters();
    }

    private static Func<IEnumerable<TorchSharp.Modules.Parameter>, optim.Optimizer> AdamW(double rate) =>
        parameters => optim.AdamW(parameters, rate, weight_decay: 0.1);

    private static optim.Optimizer Stepped(Func<IEnumerable<TorchSharp.Modules.Parameter>, optim.Optimizer> make)
    {
        var parameters = Parameters().ToList();
        var optimizer = make(parameters);
        parameters.Select(p => p.sum()).Aggregate((a, b) => a + b).backward();
        optimizer.step();
        return optimizer;
    }

    private static optim.lr_scheduler.LRScheduler Advanced(Func<optim.Optimizer, optim.lr_scheduler.LRScheduler> make)
    {
        var scheduler = make(Stepped(AdamW(0.5)));
        for (var i = 0; i < 3; i++)
            scheduler.step();
        return scheduler;
    }

    private static optim.lr_scheduler.LRScheduler Sequential(optim.Optimizer optimizer) => optim.lr_scheduler.SequentialLR(
        optimizer,
        [optim.lr_scheduler.ConstantLR(optimizer, 0.5, 2), optim.lr_scheduler.StepLR(optimizer, 1, 0.5)],
        [2]);

    /// <summary>What an earlier version saved: the tensors of now, the values of then.</summary>
    private sealed class SavedValues(ItemState now, byte[] values) : ITrackedState
    {
        public string Item => now.Item;

        public ItemState Capture() => new(
            now.Item, now.Tensors, [KeyValuePair.Create(Assert.Single(now.Bytes).Key, values)], now.Skipped);

        public IReadOnlyList<string> Compare(SavedItem saved) => [];

        public IReadOnlyList<SkippedPart> Restore(SavedItem saved) => [];
    }
}
