using System.CommandLine;
using System.Globalization;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Cli;

/// <summary><c>ciuic scrub</c>: what the silos have found by reading committed snapshots again.</summary>
internal static class ScrubCommand
{
    public static Command Create(CommandOutput output)
    {
        var (json, set) = (CliSettings.Json(), CliSettings.Set());
        var command = new Command(
            "scrub", "Shows how far the silos are with reading snapshots and the ledger again, and what is damaged; exit code 20 where something is.")
        {
            json, set,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var chain = await CliSettings.ConnectAsync(parsed.GetValue(set)!, cancel);
            var scrub = await chain.History.DescribeScrubAsync(cancel);
            var ledger = await chain.Ledger.DescribeAsync(cancel);
            if (parsed.GetValue(json))
                output.WriteJson(Json(scrub, ledger));
            else
                Write(output, scrub, ledger);
            return scrub.Findings.Length == 0 ? ledger.DamageCode : ExitCode.Integrity;
        });
        return command;
    }

    private static object Json(ScrubView scrub, LedgerView ledger) => new
    {
        scrub.Rounds,
        scrub.Snapshots,
        scrub.Bytes,
        scrub.LastAt,
        scrub.Findings,
        Ledger = new { ledger.Name, ledger.Size, ledger.WholeAt, ledger.Mended, ledger.Damage },
    };

    private static void Write(CommandOutput output, ScrubView scrub, LedgerView ledger)
    {
        var last = scrub.LastAt is { } at ? string.Create(CultureInfo.InvariantCulture, $", the last one {at:u}") : "";
        output.WriteLine($"{scrub.Snapshots} snapshots read again ({Sizes.Of(scrub.Bytes)}) in {scrub.Rounds} rounds{last}");
        foreach (var finding in scrub.Findings)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"DAMAGED  {finding.At:u}  {finding.Snapshot}: {finding.What}"));
        if (ledger.WholeAt is { } whole)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ledger {ledger.Name}: all its objects read again at {whole:u}"));
        foreach (var mended in ledger.Mended)
            output.WriteLine($"MENDED   {mended} of ledger {ledger.Name} was missing or damaged, and was written again from its copy");
        if (ledger.Damage is { } damage)
            output.WriteLine($"DAMAGED  ledger {ledger.Name}: {damage}");
    }
}
