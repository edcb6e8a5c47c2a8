using System.CommandLine;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Cli;

/// <summary><c>ciuic audit --store URI --key VKEY</c>: from the bucket alone; no silo, no database.</summary>
internal static class AuditCommand
{
    public static Command Create(CommandOutput output)
    {
        var (bucket, json) = (new BucketArguments(allLedgers: true), CliSettings.Json());
        var command = new Command(
            "audit",
            "Checks a whole bucket offline: every signature, every block, every byte. Without --key or a policy with the "
            + "ledger's key only consistency is proven.")
        {
            json,
        };
        bucket.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            var trust = bucket.Trust(parsed);
            var (store, accepted) = (await bucket.OpenStoreAsync(parsed, cancel), bucket.Accepted(parsed));
            var reports = await AuditAsync(store, bucket.LedgerName(parsed), trust, accepted, output, cancel);
            if (parsed.GetValue(json))
                output.WriteJson(reports.Select(AuditView.Json));
            else
                reports.ForEach(report => AuditView.Write(output, report));
            foreach (var report in reports.Where(r => r.Passed && r.TreeHead is not null))
                await RememberAsync(accepted, new LedgerBucket(store, report.Ledger), report, output, cancel);
            return reports.All(r => r.Passed) && !HaveTwins(reports, output) ? ExitCode.Ok : ExitCode.Integrity;
        });
        return command;
    }

    /// <summary>A ledger has one history: several that are signed as one are a fork that each of them hides.</summary>
    private static bool HaveTwins(List<AuditReport> reports, CommandOutput output)
    {
        var twins = reports.Where(r => r.TreeHead is not null).GroupBy(r => r.TreeHead!.Head.Origin).Where(g => g.Count() > 1).ToList();
        foreach (var same in twins)
        {
            output.Warn(
                $"The ledgers {string.Join(", ", same.Select(r => r.Ledger))} are all signed as {same.Key}: a ledger has one history. "
                + "Audit each with --ledger, and find out who began the others.");
        }

        return twins.Count > 0;
    }

    /// <summary>An audit that has passed has passed, whether this machine can remember it or not.</summary>
    private static async Task RememberAsync(
        AcceptedHeads accepted, LedgerBucket ledger, AuditReport report, CommandOutput output, CancellationToken cancel)
    {
        try
        {
            await accepted.RememberAsync(ledger, report.TreeHeadKeys, report.TreeHead!, cancel);
        }
        catch (UnavailableException error)
        {
            output.Warn($"{error.Message} A later rollback of the ledger may go unnoticed here.");
        }
    }

    /// <summary>What is remembered of a ledger is found by its keys; where nobody knows those, by its bucket.</summary>
    private static async Task<RememberedHead?> RecallAsync(
        AcceptedHeads accepted, LedgerBucket ledger, TlogPolicy trust, CancellationToken cancel)
    {
        try
        {
            return await accepted.RecallAsync(ledger, (await KeyNotes.ReadAsync(ledger, trust.Logs, cancel)).Newest.TreeHead, cancel);
        }
        catch (Exception error) when (error is CorruptException or NotFoundException)
        {
            return await accepted.RecallAsync(ledger, trust.Logs, cancel); // the audit says what is wrong with them
        }
    }

    private static async Task<List<AuditReport>> AuditAsync(
        IObjectStore bucket,
        string? ledger,
        TlogPolicy trust,
        AcceptedHeads accepted,
        CommandOutput output,
        CancellationToken cancel)
    {
        var names = ledger is null ? await BucketAudit.FindLedgersAsync(bucket, cancel) : [ledger];
        if (names.Count == 0)
            throw new NotFoundException($"There is no ledger in {bucket.Location}.");
        var reports = new List<AuditReport>();
        foreach (var name in names)
        {
            var progress = new AuditProgressLines(output, name);
            var remembered = await RecallAsync(accepted, new LedgerBucket(bucket, name), trust, cancel);
            reports.Add(await BucketAudit.RunAsync(
                bucket, name, trust, remembered?.Head, Environment.ProcessorCount, progress.Report, cancel));
            progress.End();
        }

        return reports;
    }
}
