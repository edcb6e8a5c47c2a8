using System.Diagnostics;

namespace Ciuic.Benchmarks;

/// <summary>Callers that each ask, wait for the answer, and ask again.</summary>
internal static class Load
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    /// <summary>Runs one step for every caller again and again; what happens in the warm-up is not counted.</summary>
    /// <param name="name">Name of the figure.</param>
    /// <param name="unit">What one answer is.</param>
    /// <param name="callers">How many ask at once.</param>
    /// <param name="length">How long is counted.</param>
    /// <param name="step">Asks once; told which caller it is.</param>
    public static async Task<Figure> RunAsync(
        string name, string unit, int callers, TimeSpan length, Func<int, Task> step)
    {
        var cpu = CpuClock.Now();
        var begin = Stopwatch.GetTimestamp() + Ticks(WarmUp);
        var end = begin + Ticks(length);
        var loops = Enumerable.Range(0, callers).Select(caller => Task.Run(() => LoopAsync(caller, begin, end, step)));
        var latencies = await Task.WhenAll(loops);
        var cores = (CpuClock.Now() - cpu) / (length + WarmUp);
        var ticks = latencies.SelectMany(t => t).Order().ToArray();
        return new Figure(
            name, callers, ticks.Length / length.TotalSeconds, $"{unit}/s", Milliseconds(ticks, 0.50), Milliseconds(ticks, 0.99), cores);
    }

    /// <summary>Answers that came between begin and end.</summary>
    private static async Task<List<long>> LoopAsync(int caller, long begin, long end, Func<int, Task> step)
    {
        var latencies = new List<long>();
        for (var asked = Stopwatch.GetTimestamp(); asked < end;)
        {
            await step(caller);
            var answered = Stopwatch.GetTimestamp();
            if (answered >= begin && answered < end)
                latencies.Add(answered - asked);
            asked = answered;
        }

        return latencies;
    }

    private static double? Milliseconds(long[] sorted, double part) => sorted.Length == 0
        ? null
        : 1_000.0 * sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * part))] / Stopwatch.Frequency;

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);
}
