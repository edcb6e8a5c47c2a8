using System.Diagnostics;

namespace Ciuic.Benchmarks;

/// <summary>
/// Processor time of this process. Figures "per core" are per second of it, so that others on the machine do not count;
/// the garbage collector's threads do.
/// </summary>
internal static class CpuClock
{
    /// <summary>Runs something and says how many times a second of one core holds it.</summary>
    public static double PerSecond(long times, Action work)
    {
        var before = Now();
        work();
        return times / (Now() - before).TotalSeconds;
    }

    public static TimeSpan Now()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime;
    }
}
