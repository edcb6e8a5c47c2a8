using System.Reflection;
using Ciuic.Client;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;
using static TorchSharp.torch.optim.lr_scheduler;

namespace Ciuic.Torch.Tests;

/// <summary>
/// A run that is interrupted and restored into freshly built objects, with another seed, goes on bit for bit like one
/// that was not: for every optimizer and every scheduler.
/// </summary>
[Collection("torch")]
public sealed class ResumeTests
{
    private const int Half = 7;

    private static readonly Dictionary<string, Func<IEnumerable<TorchSharp.Modules.Parameter>, Optimizer>> Optimizers = new()
    {
        ["SGD"] = p => SGD(p, 0.05, momentum: 0.9, nesterov: true),
        ["SGD-plain"] = p => SGD(p, 0.05),
        ["Adam"] = p => Adam(p, 0.01),
        ["Adam-amsgrad"] = p => Adam(p, 0.01, amsgrad: true),
        ["AdamW"] = p => AdamW(p, 0.01, weight_decay: 0.1),
        ["AdamW-amsgrad"] = p => AdamW(p, 0.01, amsgrad: true),
        ["Adamax"] = p => Adamax(p, 0.01),
        ["NAdam"] = p => NAdam(p, 0.01),
        ["RAdam"] = p => RAdam(p, 0.01),
        ["Adagrad"] = p => Adagrad(p, 0.01),
        ["Adadelta"] = p => Adadelta(p, 0.5),
        ["ASGD"] = p => ASGD(p, 0.01),
        ["Rprop"] = p => Rprop(p, 0.01),
        ["RMSProp"] = p => RMSProp(p, 0.01),
        ["RMSProp-centered"] = p => RMSProp(p, 0.01, momentum: 0.5, centered: true),
    };

    private static readonly Dictionary<string, Func<Optimizer, LRScheduler>> Schedulers = new()
    {
        ["StepLR"] = o => StepLR(o, 3, 0.5),
        ["MultiStepLR"] = o => MultiStepLR(o, [2, 5, 9], 0.5),
        ["ExponentialLR"] = o => ExponentialLR(o, 0.9),
        ["LambdaLR"] = o => LambdaLR(o, step => 1.0 / (1 + step)),
        ["MultiplicativeLR"] = o => MultiplicativeLR(o, step => 0.95),
        ["PolynomialLR"] = o => PolynomialLR(o, 20, 2),
        ["ConstantLR"] = o => ConstantLR(o, 0.3, 5),
        ["LinearLR"] = o => LinearLR(o, 0.3, 1.0, 10),
        ["CosineAnnealingLR"] = o => CosineAnnealingLR(o, 20),
        ["CyclicLR"] = o => CyclicLR(o, 0.001, 0.05, step_size_up: 3, cycle_momentum: false),
        ["OneCycleLR"] = o => OneCycleLR(o, 0.05, total_steps: 30, cycle_momentum: false),
        ["CyclicLR-momentum"] = o => CyclicLR(o, 0.001, 0.05, step_size_up: 3, cycle_momentum: true),
        ["OneCycleLR-betas"] = o => OneCycleLR(o, 0.05, total_steps: 30, cycle_momentum: true),
        ["OneCycleLR-momentum"] = o => OneCycleLR(o, 0.05, total_steps: 30, cycle_momentum: true),
        ["SequentialLR"] = o => SequentialLR(o, [LinearLR(o, 0.1, 1.0, 4), ExponentialLR(o, 0.9)], [4]),
        ["ChainedLR"] = o => ChainedLR([LinearLR(o, 0.1, 1.0, 4), ExponentialLR(o, 0.9)]),
    };

    /// <summary>Factories without a row above, and why.</summary>
    private static readonly Dictionary<string, string> Elsewhere = new()
    {
        ["LBFGS"] = "native state without access: A_native_optimizer_says_what_it_cannot_save",
        ["ReduceLROnPlateau"] = "steps by a metric: A_scheduler_on_a_plateau_goes_on_with_what_it_has_seen",
    };

    public static TheoryData<string> OptimizerNames() => [.. Optimizers.Keys];

    public static TheoryData<string> SchedulerNames() => [.. Schedulers.Keys];

    [Theory]
    [MemberData(nameof(OptimizerNames))]
    public Task Every_optimizer_goes_on_bit_for_bit(string optimizer) =>
        CompareAsync(Optimizers[optimizer], Schedulers["CosineAnnealingLR"]);

    [Theory]
    [MemberData(nameof(SchedulerNames))]
    public Task Every_scheduler_goes_on_bit_for_bit(string scheduler) =>
        CompareAsync(Optimizers[scheduler.EndsWith("-momentum", StringComparison.Ordinal) ? "SGD" : "AdamW"], Schedulers[scheduler]);

    [Theory]
    [InlineData(typeof(torch.optim))]
    [InlineData(typeof(torch.optim.lr_scheduler))]
    public void Every_optimizer_and_scheduler_of_TorchSharp_has_a_row_here(Type factories)
    {
        var rows = Optimizers.Keys.Concat(Schedulers.Keys).Select(row => row.Split('-')[0]).Concat(Elsewhere.Keys);
        var names = factories
            .GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Where(m => typeof(Optimizer).IsAssignableFrom(m.ReturnType) || m.ReturnType == typeof(LRScheduler))
            .Select(m => m.Name)
            .Distinct()
            .ToList();
        Assert.NotEmpty(names);
        Assert.Empty(names.Except(rows));
    }

    [Fact]
    public async Task A_scheduler_on_a_plateau_goes_on_with_what_it_has_seen()
    {
        var (model, optimizer) = Build(1, Optimizers["AdamW"]);
        var plateau = ReduceLROnPlateau(optimizer, patience: 2);
        foreach (var loss in new[] { 1.0, 1.1, 1.2 })
            plateau.step(loss);
        var saved = await Roundtrip.SaveAsync(
            new TrackedOptimizer("optimizer", optimizer), new TrackedScheduler("scheduler", plateau));
        var (_, other) = Build(2, Optimizers["AdamW"]);
        var fresh = ReduceLROnPlateau(other, patience: 2);
        Roundtrip.Restore(saved, new TrackedOptimizer("optimizer", other), new TrackedScheduler("scheduler", fresh));
        plateau.step(1.3);
        fresh.step(1.3);
        Assert.Equal(optimizer.ParamGroups.First().LearningRate, other.ParamGroups.First().LearningRate);
        Assert.NotEqual(0.01, other.ParamGroups.First().LearningRate);
        model.Dispose();
    }

    [Fact]
    public async Task Without_the_random_state_it_would_not_be_identical()
    {
        var (reference, resumed) = await RunAsync(Optimizers["AdamW"], Schedulers["CosineAnnealingLR"], trackRandom: false);
        Assert.NotEqual(reference, resumed);
    }

    [Fact]
    public async Task Parameter_groups_keep_their_own_options()
    {
        var (_, optimizer) = Build(1, Grouped);
        optimizer.ParamGroups.Last().LearningRate = 0.123;
        var saved = await Roundtrip.SaveAsync(new TrackedOptimizer("optimizer", optimizer));
        var (_, fresh) = Build(2, Grouped);
        Roundtrip.Restore(saved, new TrackedOptimizer("optimizer", fresh));
        Assert.Equal([0.01, 0.123], fresh.ParamGroups.Select(g => g.LearningRate));
    }

    [Fact]
    public async Task Another_optimizer_or_number_of_groups_does_not_fit()
    {
        var (_, adam) = Build(1, Optimizers["Adam"]);
        var saved = await Roundtrip.SaveAsync(new TrackedOptimizer("optimizer", adam));
        var (_, sgd) = Build(1, Optimizers["SGD"]);
        Assert.Contains("saved Adam, live SGD", Assert.Single(new TrackedOptimizer("optimizer", sgd).Compare(saved["optimizer"])));
        var (_, adamw) = Build(1, Optimizers["AdamW"]);
        saved = await Roundtrip.SaveAsync(new TrackedOptimizer("optimizer", adamw));
        var (_, grouped) = Build(1, Grouped);
        Assert.Contains("parameter groups", Assert.Single(new TrackedOptimizer("optimizer", grouped).Compare(saved["optimizer"])));
    }

    [Fact]
    public async Task A_native_optimizer_says_what_it_cannot_save()
    {
        using var model = nn.Linear(2, 2);
        var tracked = new TrackedOptimizer("optimizer", LBFGS(model.parameters()));
        Assert.Contains("native code", Assert.Single(tracked.Capture().Skipped).Reason);
        var saved = await Roundtrip.SaveAsync(tracked);
        Assert.Single(tracked.Restore(saved["optimizer"]));
    }

    [Fact]
    public void Functions_in_a_scheduler_are_reported_and_not_saved()
    {
        var (_, optimizer) = Build(1, Optimizers["AdamW"]);
        var skipped = new TrackedScheduler("scheduler", Schedulers["LambdaLR"](optimizer)).Capture().Skipped;
        Assert.Contains("code is not state", Assert.Single(skipped).Reason);
    }

    private static Optimizer Grouped(IEnumerable<TorchSharp.Modules.Parameter> parameters)
    {
        var all = parameters.ToList();
        return AdamW(new List<TorchSharp.Modules.AdamW.ParamGroup> { new(all.Take(2), 0.01), new(all.Skip(2), 0.02) });
    }

    private static async Task CompareAsync(
        Func<IEnumerable<TorchSharp.Modules.Parameter>, Optimizer> optimizer, Func<Optimizer, LRScheduler> scheduler)
    {
        var (reference, resumed) = await RunAsync(optimizer, scheduler, trackRandom: true);
        Assert.Equal(Half, resumed.Count);
        Assert.Equal(reference, resumed);
    }

    private static async Task<(List<float> Reference, List<float> Resumed)> RunAsync(
        Func<IEnumerable<TorchSharp.Modules.Parameter>, Optimizer> makeOptimizer,
        Func<Optimizer, LRScheduler> makeScheduler,
        bool trackRandom)
    {
        var (model, optimizer) = Build(1, makeOptimizer);
        var scheduler = makeScheduler(optimizer);
        Train(model, optimizer, scheduler);
        var tracked = Track(model, optimizer, scheduler, trackRandom);
        var saved = await Roundtrip.SaveAsync(tracked);
        var reference = Train(model, optimizer, scheduler);

        var (freshModel, freshOptimizer) = Build(99, makeOptimizer);
        var freshScheduler = makeScheduler(freshOptimizer);
        Roundtrip.Restore(saved, Track(freshModel, freshOptimizer, freshScheduler, trackRandom));
        return (reference, Train(freshModel, freshOptimizer, freshScheduler));
    }

    private static ITrackedState[] Track(
        nn.Module model, Optimizer optimizer, LRScheduler scheduler, bool trackRandom)
    {
        var states = new List<ITrackedState>
        {
            TrackedTensors.Of("model", model),
            new TrackedOptimizer("optimizer", optimizer),
            new TrackedScheduler("scheduler", scheduler),
        };
        if (trackRandom)
            states.Add(new TrackedRandomState([]));
        return [.. states];
    }

    private static (nn.Module<Tensor, Tensor> Model, Optimizer Optimizer) Build(
        int seed, Func<IEnumerable<TorchSharp.Modules.Parameter>, Optimizer> makeOptimizer)
    {
        random.manual_seed(seed);
        var model = nn.Sequential(
            nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3));
        return (model, makeOptimizer(model.parameters()));
    }

    private static List<float> Train(nn.Module<Tensor, Tensor> model, Optimizer optimizer, LRScheduler scheduler)
    {
        var losses = new List<float>();
        model.train();
        for (var i = 0; i < Half; i++)
        {
            using var scope = NewDisposeScope();
            var loss = nn.functional.mse_loss(model.forward(randn(8, 6)), randn(8, 3));
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
            scheduler.step();
            losses.Add(loss.item<float>());
        }

        return losses;
    }
}
