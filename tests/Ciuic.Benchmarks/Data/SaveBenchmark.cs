using System.Diagnostics;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Benchmarks;

/// <summary>Our saves and restores of one state in training.</summary>
internal sealed class SaveBenchmark(ComparePlan plan, BenchmarkReport report) : IDisposable
{
    /// <summary>The runtime compiles what runs often in several steps.</summary>
    private const int WarmUps = 4;

    private readonly StagingBuffers _staging = new(16L << 30);
    private readonly StagingBuffers _into = new(16L << 30);

    public void Dispose()
    {
        _staging.Dispose();
        _into.Dispose();
    }

    /// <summary>What the trainer waits for: at the first save, with memory that was prepared and with memory that was not, and later.</summary>
    public void Stall(IStates training, long size)
    {
        report.AddTime("stall, first save, memory not prepared", size, Enumerable.Range(0, 3).Select(_ => First(prepared: false)));
        report.AddTime("stall, first save", size, Enumerable.Range(0, 3).Select(_ => First(prepared: true)));
        using var buffers = new StagingBuffers(4 * size);
        Once(buffers); // warm
        report.AddTime("stall: live tensors into staging memory", size, Enumerable.Range(0, Math.Max(5, plan.Repetitions)).Select(_ => Once(buffers)).ToList());

        double First(bool prepared)
        {
            using var fresh = new StagingBuffers(4 * size);
            if (prepared)
                fresh.Prepare(size);
            return Once(fresh);
        }

        double Once(StagingBuffers into)
        {
            var begin = Stopwatch.GetTimestamp();
            StagedShard.Stage(into, training.Live(), ShardPlan.DefaultChunkBytes);
            return Stopwatch.GetElapsedTime(begin).TotalSeconds;
        }
    }

    public Task FullAsync(string name, string folder, CodecMode mode, IReadOnlyList<ItemState> state) =>
        MeasureAsync(name, folder, mode, Size(state), ours => ours.SaveAsync(state));

    /// <summary>The second save of two.</summary>
    public Task DeltaAsync(string name, string folder, IReadOnlyList<ItemState> before, IReadOnlyList<ItemState> now) =>
        MeasureAsync(name, folder, CodecMode.Delta, Size(now), async ours =>
        {
            await ours.SaveAsync(before);
            return await ours.SaveAsync(now);
        });

    public static long Size(IReadOnlyList<ItemState> state) => state.Sum(i => i.Length);

    /// <summary>
    /// One process that saves again and again, as a run does, each time into an empty bucket, in memory that was touched before;
    /// the first times only warm up.
    /// </summary>
    private async Task MeasureAsync(
        string name, string folder, CodecMode mode, long size, Func<OurSave, Task<MeasuredSave>> save)
    {
        var saves = new List<MeasuredSave>();
        var loads = new List<(double Wall, double Cpu)>();
        using var ours = new OurSave(Path.Combine(folder, $"{mode}"), mode, _staging);
        for (var i = 0; i < WarmUps + plan.Repetitions; i++)
        {
            await ours.EmptyAsync();
            saves.Add(await save(ours));
            loads.Add(await ours.LoadAsync(saves[^1].Manifest, _into));
        }

        await ours.EmptyAsync();
        Add(name, size, saves[WarmUps..], loads[WarmUps..]);
    }

    private void Add(string name, long size, List<MeasuredSave> saves, List<(double Wall, double Cpu)> loads)
    {
        report.AddStored(name, size, saves[0].Stored);
        report.AddTime($"{name}: durable", size, saves.Select(s => s.Durable));
        report.AddTime($"{name}: durable and verified", size, saves.Select(s => s.Durable + s.Verify));
        report.Add(new Figure($"{name}: save, processor", 1, Measured.Median(saves.Select(s => s.SaveCpu)) * 1e9 / size, "s/GB"));
        report.AddTime($"{name}: verified restore", size, loads.Select(l => l.Wall));
        report.Add(new Figure($"{name}: restore, processor", 1, Measured.Median(loads.Select(l => l.Cpu)) * 1e9 / size, "s/GB"));
    }
}
