using Ciuic.Snapshots;

namespace Ciuic.Benchmarks;

/// <summary>Resident memory over many saves of a state that moves.</summary>
internal sealed class MemoryBenchmark(BenchmarkReport report)
{
    private const int Saves = 200;
    private const long Bytes = 96L << 20;

    public async Task RunAsync(string folder, CancellationToken cancel)
    {
        using var states = new SyntheticStates(Bytes);
        using var staging = new StagingBuffers(4 * Bytes);
        using var ours = new OurSave(Path.Combine(folder, "memory"), CodecMode.Delta, staging);
        for (var save = 1; save <= Saves; save++)
        {
            cancel.ThrowIfCancellationRequested();
            states.TrainTo(save);
            await ours.SaveAsync(states.Live());
            if (save is 20 or 100 or Saves)
                report.Add(new Figure($"resident after {save} saves", 1, Environment.WorkingSet / (double)(1 << 20), "MiB"));
        }
    }
}
