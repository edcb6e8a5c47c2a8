namespace Ciuic.Benchmarks;

/// <summary>The ledger's benchmark: all parts in one run.</summary>
internal static class LedgerBenchmark
{
    /// <summary>SQLite's calls and flushes block their thread; a pool that grows by one a second would stall the silo.</summary>
    private const int MinThreads = 32;

    public static async Task RunAsync(LedgerPlan plan, BenchmarkReport report, CancellationToken cancel)
    {
        ThreadPool.SetMinThreads(MinThreads, MinThreads);
        var folder = Directory.CreateDirectory(Path.Combine(plan.Folder, $"ciuic-benchmark-{Environment.ProcessId}"));
        try
        {
            // First, in an empty process: it measures memory.
            if (plan.Parts.Contains(LedgerPart.Audit))
                await AuditBenchmark.RunAsync(plan, folder.FullName, report, cancel);
            if (plan.Parts.Contains(LedgerPart.Proof))
                await ProofBenchmark.RunAsync(folder.FullName, report, cancel);
            if (plan.Parts.Contains(LedgerPart.Machine))
                MachineLimits.Run(plan, folder.FullName, report);
            if (plan.Parts.Contains(LedgerPart.Commit))
                await CommitBenchmark.RunAsync(plan, folder.FullName, report);
            if (plan.Parts.Contains(LedgerPart.Final))
                await FinalBenchmark.RunAsync(plan, folder.FullName, report);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
