namespace Ciuic.Benchmarks;

/// <summary>The cluster's benchmark: real servers, each part with the limit beside it.</summary>
internal static class ClusterBenchmark
{
    public static async Task RunAsync(ClusterPlan plan, BenchmarkReport report)
    {
        var folder = Directory.CreateDirectory(Path.Combine(plan.Folder, $"ciuic-benchmark-{Environment.ProcessId}"));
        if (plan.Parts.Contains(ClusterPart.Commits) || plan.Parts.Contains(ClusterPart.Memory))
            await CommitsBenchmark.RunAsync(plan, folder.FullName, report);
        if (plan.Parts.Contains(ClusterPart.S3))
            await S3Benchmark.RunAsync(report);
        if (plan.Parts.Contains(ClusterPart.Verification))
            await VerificationBenchmark.RunAsync(report);
        if (plan.Parts.Contains(ClusterPart.Failover))
            await FailoverBenchmark.RunAsync(folder.FullName, report);
        if (plan.Parts.Contains(ClusterPart.Gateway))
            await GatewayBenchmark.RunAsync(folder.FullName, report);
        if (plan.Parts.Contains(ClusterPart.List))
            await ListBenchmark.RunAsync(folder.FullName, report);
        folder.Delete(recursive: true); // what went wrong leaves its logs
    }
}
