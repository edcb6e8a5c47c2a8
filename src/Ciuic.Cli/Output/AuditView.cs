using System.Globalization;
using Ciuic.Snapshots;

namespace Ciuic.Cli;

/// <summary>An audit report for people and for programs.</summary>
internal static class AuditView
{
    public static object Json(AuditReport report) => new
    {
        passed = report.Passed,
        store = report.Store,
        ledger = report.Ledger,
        origin = report.Origin,
        keysTrusted = report.KeysTrusted,
        blocks = report.Blocks,
        root = report.Root.ToString(),
        publishedSize = report.PublishedSize,
        runs = report.Runs.Select(r => new
        {
            run = r.Run.Value,
            snapshots = r.Snapshots,
            intact = r.Intact,
            rollbacks = r.Rollbacks,
            head = r.Head?.Sequence.Value,
            headStep = r.HeadStep,
        }),
        chunks = report.Chunks,
        storedBytes = report.StoredBytes,
        uncommitted = report.Uncommitted,
        findings = report.Findings.Select(f => new { where = f.Where, what = f.What }),
        repaired = report.Repaired.Select(f => new { where = f.Where, what = f.What }),
    };

    public static void Write(CommandOutput output, AuditReport report)
    {
        output.WriteLine($"{report.Store}, ledger {report.Ledger} ({report.Origin})");
        output.WriteTable(
            ["run", "snapshots", "intact", "rollbacks", "head", "step"],
            report.Runs.Select(r => new[]
            {
                r.Run.Value, Number(r.Snapshots), Number(r.Intact), Number(r.Rollbacks),
                r.Head is null ? "-" : $"#{r.Head.Sequence}", r.HeadStep is { } step ? Number(step) : "-",
            }));
        output.WriteLine(
            $"{report.Blocks} blocks, root {report.Root.ToShortString()}; {report.Chunks} chunks, "
            + $"{Sizes.Of(report.StoredBytes)}; {report.Uncommitted} snapshots pending or aborted, visible to nobody");
        foreach (var finding in report.Repaired)
            output.WriteLine($"REPAIRED  {finding.Where}: {finding.What}");
        foreach (var finding in report.Findings)
            output.WriteLine($"WRONG  {finding.Where}: {finding.What}");
        output.WriteLine(Verdict(report));
    }

    private static string Verdict(AuditReport report)
    {
        if (!report.Passed)
            return $"FAILED: {report.Findings.Count} findings.";
        return report.KeysTrusted
            ? "PASSED: history and every byte are as they were signed."
            : "PASSED, but with keys taken from the bucket itself: it is consistent; give --key to prove whose it is.";
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
