using System.Diagnostics;
using Ciuic.Snapshots;

namespace Ciuic.Benchmarks;

/// <summary>Saves and restores of a model in training, ours and the peers', in one run on the same bytes.</summary>
internal sealed class CompareBenchmark(ComparePlan plan, BenchmarkReport report) : IDisposable
{
    private readonly StagingBuffers _staging = new(16L << 30);
    private readonly StagingBuffers _into = new(16L << 30);

    public void Dispose()
    {
        _staging.Dispose();
        _into.Dispose();
    }

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
        using IStates training = plan.SyntheticBytes is { } bytes ? new SyntheticStates(bytes) : new TrainedStates();
        training.TrainTo(plan.WarmUpSteps);
        var first = StateCopy.Of(training.Live());
        var size = first.Sum(i => i.Tensors.Sum(t => t.Length));
        report.Add(new Figure("state", 1, size, "bytes"));
        Memcpy(size);
        Stall(training, size);
        foreach (var mode in (CodecMode[])[CodecMode.Raw, CodecMode.Planes])
            await FullAsync(folder, mode, first, size);
        foreach (var gap in plan.Gaps)
        {
            cancel.ThrowIfCancellationRequested();
            training.TrainTo(plan.WarmUpSteps + gap);
            await DeltaAsync(folder, gap, first, StateCopy.Of(training.Live()), size);
        }

        await new TorchPeer(plan, report).RunAsync(folder, first, size, cancel);
    }

    private void Memcpy(long size)
    {
        using var buffers = new StagingBuffers(4 * size);
        var (from, to) = (buffers.Take(size), new StagingArena(size));
        to.Reserve(size);
        Add("memcpy, warm, one thread", size, Repeat(() =>
        {
            var begin = Stopwatch.GetTimestamp();
            for (var at = 0L; at < size; at += 1 << 30)
            {
                var piece = (int)Math.Min(1 << 30, size - at);
                from.Slice(at, piece).CopyTo(to.Slice(at, piece));
            }

            return Stopwatch.GetElapsedTime(begin).TotalSeconds;
        }));
        to.Dispose();
    }

    private void Stall(IStates training, long size)
    {
        using var buffers = new StagingBuffers(4 * size);
        Add("stall: live tensors into staging memory", size, Repeat(() =>
        {
            var begin = Stopwatch.GetTimestamp();
            StagedShard.Stage(buffers, training.Live(), Core.ShardPlan.DefaultChunkBytes);
            return Stopwatch.GetElapsedTime(begin).TotalSeconds;
        }));
    }

    private Task FullAsync(string folder, CodecMode mode, IReadOnlyList<ItemState> state, long size) =>
        MeasureAsync($"full, {mode}", folder, mode, size, ours => ours.SaveAsync(state));

    /// <summary>The second save of two, so many steps apart.</summary>
    private Task DeltaAsync(
        string folder, long gap, IReadOnlyList<ItemState> before, IReadOnlyList<ItemState> now, long size) =>
        MeasureAsync($"delta, {gap} steps apart", folder, CodecMode.Delta, size, async ours =>
        {
            await ours.SaveAsync(before);
            return await ours.SaveAsync(now);
        });

    /// <summary>Each time on a fresh bucket, in memory that was touched before; the first time only warms up.</summary>
    private async Task MeasureAsync(
        string name, string folder, CodecMode mode, long size, Func<OurSave, Task<MeasuredSave>> save)
    {
        var saves = new List<MeasuredSave>();
        var loads = new List<(double Wall, double Cpu)>();
        for (var i = 0; i <= plan.Repetitions; i++)
        {
            var bucket = Path.Combine(folder, $"{mode}-{i}");
            using (var ours = new OurSave(bucket, mode, _staging))
            {
                saves.Add(await save(ours));
                loads.Add(await ours.LoadAsync(saves[^1].Manifest, _into));
            }

            Directory.Delete(bucket, recursive: true);
        }

        Add(name, size, saves[1..], loads[1..]);
    }

    private void Add(string name, long size, List<MeasuredSave> saves, List<(double Wall, double Cpu)> loads)
    {
        report.Add(new Figure($"{name}: stored", 1, saves[0].Stored / (double)size, "of the state"));
        Add($"{name}: durable", size, saves.Select(s => s.Durable));
        Add($"{name}: durable and verified", size, saves.Select(s => s.Durable + s.Verify));
        report.Add(new Figure($"{name}: save, processor", 1, Median(saves.Select(s => s.SaveCpu)) * 1e9 / size, "s/GB"));
        Add($"{name}: verified restore", size, loads.Select(l => l.Wall));
        report.Add(new Figure($"{name}: restore, processor", 1, Median(loads.Select(l => l.Cpu)) * 1e9 / size, "s/GB"));
    }

    private void Add(string name, long size, IEnumerable<double> seconds)
    {
        var median = Median(seconds);
        report.Add(new Figure(name, 1, median * 1_000, "ms", Note: $"{size / median / 1e9:0.00} GB/s"));
    }

    private List<double> Repeat(Func<double> measure)
    {
        measure(); // warm
        return Enumerable.Range(0, Math.Max(5, plan.Repetitions)).Select(_ => measure()).ToList();
    }

    internal static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
