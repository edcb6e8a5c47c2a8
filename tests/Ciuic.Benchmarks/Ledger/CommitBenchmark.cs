using Ciuic.Grains;

namespace Ciuic.Benchmarks;

/// <summary>Acknowledged appends through the ledger's grain, beside grains that do less.</summary>
internal static class CommitBenchmark
{
    private const string Committed = "ledger, publishing every second";
    private const string Quiet = "ledger, not publishing";
    private const string Grouped = "plain grain on SQLite, group commit";
    private const string Alone = "plain grain on SQLite, one write each";

    /// <summary>As good as never.</summary>
    private static readonly TimeSpan Never = TimeSpan.FromDays(1);

    public static async Task RunAsync(LedgerPlan plan, string folder, BenchmarkReport report)
    {
        // All in turn for each number of callers, so that a change in the machine's load meets all of them alike.
        await using var publishing = await LedgerSilo.StartAsync(Path.Combine(folder, "publishing"), TimeSpan.FromSeconds(1), LedgerTrust.Alone);
        await using var quiet = await LedgerSilo.StartAsync(Path.Combine(folder, "quiet"), Never, LedgerTrust.Alone);
        var plain = publishing.Grains.GetGrain<IPlainGrain>("plain");
        var alone = publishing.Grains.GetGrain<IPlainGrain>("alone");
        foreach (var callers in plan.Callers)
        {
            report.Add(await Load.RunAsync("empty grain calls", "calls", callers, plan.Length, _ => plain.EmptyAsync()));
            report.Add(await AppendAsync(Committed, callers, plan.Length, publishing));
            report.Add(await AppendAsync(Quiet, callers, plan.Length, quiet));
            report.Add(await Load.RunAsync(Grouped, "records", callers, plan.Length, _ => plain.AppendTogetherAsync(Records.Next())));
            report.Add(await Load.RunAsync(Alone, "records", callers, plan.Length, _ => alone.AppendAloneAsync(Records.Next())));
            report.Add(Ratio("publishing against not", callers, report.ValueOf(Committed, callers) / report.ValueOf(Quiet, callers)));
            report.Add(Ratio("ledger against plain group commit", callers, report.ValueOf(Committed, callers) / report.ValueOf(Grouped, callers)));
            report.Add(Ratio("ledger against one write each", callers, report.ValueOf(Committed, callers) / report.ValueOf(Alone, callers)));
        }
    }

    private static async Task<Figure> AppendAsync(string name, int callers, TimeSpan length, LedgerSilo silo)
    {
        var appenders = await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => silo.AppenderAsync()));
        return await Load.RunAsync(name, "records", callers, length, caller => appenders[caller]());
    }

    private static Figure Ratio(string name, int callers, double ratio) => new(name, callers, ratio, "ratio");
}
