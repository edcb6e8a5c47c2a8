using System.CommandLine;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Cli;

/// <summary><c>ciuic runs</c></summary>
internal static class RunsCommand
{
    public static Command Create(CommandOutput output)
    {
        var (json, set) = (CliSettings.Json(), CliSettings.Set());
        var command = new Command("runs", "Lists all runs.") { json, set };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var chain = await CliSettings.ConnectAsync(parsed.GetValue(set)!, cancel);
            var runs = await chain.History.ListRunsAsync(cancel);
            if (parsed.GetValue(json))
                output.WriteJson(runs.Select(Json));
            else
                output.WriteTable(["run", "head", "step", "snapshots", "last change", "trained by"], runs.Select(Row));
            return ExitCode.Ok;
        });
        return command;
    }

    internal static object Json(RunView run) => new
    {
        run = run.Run.Value,
        head = run.Head?.Sequence.Value,
        manifest = run.Head?.Manifest.ToString(),
        step = run.HeadStep,
        committed = run.Committed,
        pending = run.Pending?.Value,
        changedAt = run.ChangedAt,
        tags = run.Tags.ToDictionary(t => t.Key, t => t.Value.Value),
        pins = run.Pins.Select(p => p.Value),
        lease = run.LeaseIsLive
            ? new { trainer = run.Lease!.Trainer.ToString(), token = run.Lease.Token.Value, run.Lease.ExpiresAt }
            : null,
    };

    private static string[] Row(RunView run) =>
    [
        run.Run.Value,
        run.Head is null ? "-" : $"#{run.Head.Sequence}",
        run.HeadStep?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-",
        run.Committed.ToString(System.Globalization.CultureInfo.InvariantCulture),
        Sizes.Of(run.ChangedAt),
        run.LeaseIsLive ? run.Lease!.Trainer.ToString() : "-",
    ];
}
