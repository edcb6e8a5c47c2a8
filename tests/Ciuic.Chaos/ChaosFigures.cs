namespace Ciuic.Chaos;

/// <summary>What a chaos run has measured.</summary>
internal sealed class ChaosFigures(ChaosPlan plan, Evidence evidence, Verdict verdict, IReadOnlyList<RunGroup> runs, int silosEnded)
{
    private readonly double[] _recoveries = [.. evidence.Faults.Select(f => Recovery(f, evidence, runs)).OfType<double>().Order()];

    private int Snapshots => evidence.Acknowledgements.Select(a => (a.Run, a.Sequence)).Distinct().Count();

    /// <summary>The longest time in which a run was told of no commit.</summary>
    private double LongestOutage => runs.Max(run =>
    {
        var at = evidence.Acknowledgements.Where(a => a.Run == run.Name).Select(a => a.At.TotalSeconds).Order().ToList();
        return at.Zip(at.Skip(1), (before, after) => after - before).DefaultIfEmpty(0).Max();
    });

    public void Write(TextWriter output)
    {
        foreach (var kind in evidence.Faults.GroupBy(f => f.Kind).OrderBy(g => g.Key))
            output.WriteLine($"  {kind.Key,-16} {kind.Count(),4}");
        output.WriteLine($"snapshots acknowledged {Snapshots}, committed {verdict.Committed}, saves failed and told so {evidence.FailedSaves}");
        output.WriteLine($"attempts {runs.Sum(r => r.Attempts)}, snapshots restored or read meanwhile {evidence.Snapshots.Count}, silos that ended by themselves {silosEnded}");
        output.WriteLine($"longest outage {LongestOutage:0.0} s; from a fault to the next commit of every run: p50 {At(0.5):0.0} s, p99 {At(0.99):0.0} s");
        output.WriteLine(
            $"lost {verdict.Lost.Count}, wrong bytes {verdict.Wrong.Count}, uncommitted visible {verdict.Visible.Count}, duplicates {verdict.Duplicates.Count}");
    }

    public object ToJson(bool isAlive) => new
    {
        plan = new { plan.Silos, plan.Runs, plan.Ranks, minutes = plan.Duration.TotalMinutes, plan.Seed },
        faults = evidence.Faults.GroupBy(f => f.Kind).ToDictionary(g => g.Key.ToString(), g => g.Count()),
        acknowledged = Snapshots,
        committed = verdict.Committed,
        failedSaves = evidence.FailedSaves,
        attempts = runs.Sum(r => r.Attempts),
        restoredOrRead = evidence.Snapshots.Count,
        silosEndedByThemselves = silosEnded,
        longestOutageSeconds = LongestOutage,
        recoverySeconds = new { p50 = At(0.5), p99 = At(0.99) },
        lost = verdict.Lost,
        wrongBytes = verdict.Wrong,
        uncommittedVisible = verdict.Visible,
        duplicates = verdict.Duplicates,
        recovered = isAlive,
    };

    private double At(double quantile) =>
        _recoveries.Length == 0 ? 0 : _recoveries[Math.Min(_recoveries.Length - 1, (int)(quantile * _recoveries.Length))];

    /// <summary>Seconds from a fault until every run was told of a commit again.</summary>
    private static double? Recovery(Broken fault, Evidence evidence, IReadOnlyList<RunGroup> runs)
    {
        var next = runs
            .Select(run => evidence.Acknowledgements.Where(a => a.Run == run.Name && a.At > fault.At).Select(a => (TimeSpan?)a.At).Min())
            .ToList();
        return next.Any(n => n is null) ? null : (next.Max()!.Value - fault.At).TotalSeconds;
    }
}
