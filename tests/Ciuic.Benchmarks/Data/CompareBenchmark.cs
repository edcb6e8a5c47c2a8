using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Benchmarks;

/// <summary>Saves and restores of a model in training, ours and the peers', in one run on the same bytes.</summary>
internal sealed class CompareBenchmark(ComparePlan plan, BenchmarkReport report)
{
    public async Task RunAsync(CancellationToken cancel)
    {
        var folder = Directory.CreateDirectory(Path.Combine(plan.Folder, $"ciuic-compare-{Environment.ProcessId}"));
        try
        {
            await RunAsync(folder.FullName, cancel);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private async Task RunAsync(string folder, CancellationToken cancel)
    {
        if (Has(ComparePart.Machine) || Has(ComparePart.Saves) || Has(ComparePart.Peers))
            await StateAsync(folder, cancel);
        if (Has(ComparePart.Scale))
            await new ScaleBenchmark(report).RunAsync(folder, cancel);
        if (Has(ComparePart.Memory))
            await new MemoryBenchmark(report).RunAsync(folder, cancel);
        if (Has(ComparePart.Length))
            await new RunLengthBenchmark(report).RunAsync(folder, cancel);
    }

    private bool Has(ComparePart part) => plan.Parts.Contains(part);

    private async Task StateAsync(string folder, CancellationToken cancel)
    {
        using IStates training = plan.SyntheticBytes is { } bytes ? new SyntheticStates(bytes) : new TrainedStates();
        training.TrainTo(plan.WarmUpSteps);
        var first = StateCopy.Of(training.Live());
        report.Add(new Figure("state", 1, SaveBenchmark.Size(first), "bytes"));
        training.TrainTo(plan.WarmUpSteps + plan.Gaps[0]);
        var second = StateCopy.Of(training.Live());
        if (Has(ComparePart.Machine))
            Machine(folder, first, second);
        if (Has(ComparePart.Saves))
            await SavesAsync(folder, training, first, second, cancel);
        if (Has(ComparePart.Peers))
            await new Peers(plan, report).RunAsync(folder, first, second, cancel);
    }

    private void Machine(string folder, IReadOnlyList<ItemState> first, IReadOnlyList<ItemState> second)
    {
        using var buffers = new StagingBuffers(4 * SaveBenchmark.Size(first));
        var before = StagedShard.Stage(buffers, first, ShardPlan.DefaultChunkBytes);
        buffers.Keep(before.Arena);
        new MachineBenchmark(plan, report).Run(folder, before, StagedShard.Stage(buffers, second, ShardPlan.DefaultChunkBytes));
    }

    private async Task SavesAsync(
        string folder, IStates training, IReadOnlyList<ItemState> first, IReadOnlyList<ItemState> second, CancellationToken cancel)
    {
        using var saves = new SaveBenchmark(plan, report);
        saves.Stall(training, SaveBenchmark.Size(first));
        await saves.FullAsync("full, Raw", folder, CodecMode.Raw, first);
        await saves.FullAsync("full, Planes", folder, CodecMode.Planes, first);
        await saves.FullAsync("full, bf16 weights", folder, CodecMode.Planes, HalfWeights.Of(first));
        foreach (var gap in plan.Gaps)
        {
            cancel.ThrowIfCancellationRequested();
            training.TrainTo(plan.WarmUpSteps + gap);
            var now = gap == plan.Gaps[0] ? second : StateCopy.Of(training.Live());
            await saves.DeltaAsync($"delta, {gap} steps apart", folder, first, now);
        }
    }
}
