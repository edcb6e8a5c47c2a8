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
            "scrub", "Shows how far the silos are with reading snapshots again, and what is damaged; exit code 20 where something is.")
        {
            json, set,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var chain = await CliSettings.ConnectAsync(parsed.GetValue(set)!, cancel);
            var scrub = await chain.History.DescribeScrubAsync(cancel);
            if (parsed.GetValue(json))
                output.WriteJson(scrub);
            else
                Write(output, scrub);
            return scrub.Findings.Length == 0 ? ExitCode.Ok : ExitCode.Integrity;
        });
        return command;
    }

    private static void Write(CommandOutput output, ScrubView scrub)
    {
        var last = scrub.LastAt is { } at ? string.Create(CultureInfo.InvariantCulture, $", the last one {at:u}") : "";
        output.WriteLine($"{scrub.Snapshots} snapshots read again ({Sizes.Of(scrub.Bytes)}) in {scrub.Rounds} rounds{last}");
        foreach (var finding in scrub.Findings)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"DAMAGED  {finding.At:u}  {finding.Snapshot}: {finding.What}"));
    }
}
