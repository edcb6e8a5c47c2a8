using Ciuic.Snapshots;

namespace Ciuic.Benchmarks;

/// <summary>Whether the cost of a byte stays what it is, whatever the state's size, and memory besides the staging buffers too.</summary>
internal sealed class ScaleBenchmark(BenchmarkReport report)
{
    private static readonly (string Name, long Bytes)[] Sizes =
        [("64 MiB", 64L << 20), ("256 MiB", 256L << 20), ("1 GiB", 1L << 30), ("4 GiB", 4L << 30)];

    public async Task RunAsync(string folder, CancellationToken cancel)
    {
        foreach (var (name, bytes) in Sizes)
        {
            cancel.ThrowIfCancellationRequested();
            await MeasureAsync(folder, name, bytes);
            GC.Collect();
        }
    }

    private async Task MeasureAsync(string folder, string name, long bytes)
    {
        using var states = new SyntheticStates(bytes);
        states.TrainTo(1);
        // One buffer each: what is measured is a save that stands on its own.
        using var staging = new StagingBuffers(bytes + (bytes / 2));
        using var into = new StagingBuffers(bytes + (bytes / 2));
        var state = states.Live();
        var size = SaveBenchmark.Size(state);
        staging.Prepare(size);
        into.Prepare(size);
        var before = Environment.WorkingSet;
        var bucket = Path.Combine(folder, $"scale-{bytes}");
        using (var ours = new OurSave(bucket, CodecMode.Planes, staging))
        {
            var save = await ours.SaveAsync(state);
            var load = await ours.LoadAsync(save.Manifest, into);
            report.AddTime($"size {name}: durable", size, [save.Durable]);
            report.Add(new Figure($"size {name}: save, processor", 1, save.SaveCpu * 1e9 / size, "s/GB"));
            report.AddTime($"size {name}: verified restore", size, [load.Wall]);
            report.Add(new Figure($"size {name}: memory beyond staging", 1, Math.Max(0, Environment.WorkingSet - before) / (double)(1 << 20), "MiB"));
        }

        Directory.Delete(bucket, recursive: true);
    }
}
