namespace Ciuic.Benchmarks;

/// <summary>Figures of times and rates.</summary>
internal static class Measured
{
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }

    /// <summary>The median, with the rate beside it.</summary>
    public static void AddTime(this BenchmarkReport report, string name, long bytes, IEnumerable<double> seconds)
    {
        var median = Median(seconds);
        report.Add(new Figure(name, 1, median * 1_000, "ms", Note: $"{bytes / median / 1e9:0.00} GB/s"));
    }

    /// <summary>Stored bytes as a part of the state.</summary>
    public static void AddStored(this BenchmarkReport report, string name, long state, long stored) =>
        report.Add(new Figure($"{name}: stored", 1, stored / (double)state, "of the state"));

    /// <summary>Bytes of all files below a folder.</summary>
    public static long BytesIn(string folder) =>
        new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);
}
