using System.CommandLine;
using System.Globalization;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Cli;

/// <summary><c>ciuic ls RUN</c>: snapshots of all branches and the rollbacks between them, oldest first.</summary>
internal static class LsCommand
{
    public static Command Create(CommandOutput output)
    {
        var run = new Argument<string>("RUN") { Description = "The run's name." };
        var all = new Option<bool>("--all") { Description = "Show aborted snapshots and attempts too." };
        var (json, set) = (CliSettings.Json(), CliSettings.Set());
        var command = new Command("ls", "Lists a run's snapshots, all branches, oldest first.") { run, all, json, set };
        command.SetAction(async (parsed, cancel) =>
        {
            var id = RunId.Parse(parsed.GetValue(run)!);
            await using var chain = await CliSettings.ConnectAsync(parsed.GetValue(set)!, cancel);
            var view = await chain.History.DescribeAsync(id, cancel);
            var events = await ReadAsync(chain, id, parsed.GetValue(all), cancel);
            if (parsed.GetValue(json))
                output.WriteJson(events.Select(Json));
            else
                Write(output, view, events);
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<List<RunEvent>> ReadAsync(
        SnapshotChain chain, RunId run, bool all, CancellationToken cancel)
    {
        var events = new List<RunEvent>();
        await foreach (var happened in chain.History.ReadEventsAsync(run, cancel))
        {
            if (all || happened.Kind is RunEventKind.Committed or RunEventKind.RolledBack)
                events.Add(happened);
        }

        return events;
    }

    internal static object Json(RunEvent e) => new
    {
        run = e.Run.Value,
        number = e.Number,
        kind = e.Kind,
        at = e.At,
        sequence = e.Sequence?.Value,
        step = e.Step,
        manifest = e.Manifest?.ToString(),
        parent = e.Parent?.Value,
        token = e.Token.Value,
        detail = e.Detail,
    };

    private static void Write(CommandOutput output, RunView run, List<RunEvent> events)
    {
        output.WriteTable(
            ["", "snapshot", "step", "parent", "what", "when", "digest", "detail"],
            events.Select(e => Row(run, e)));
        output.WriteLine(run.Head is null
            ? "No snapshot is committed yet."
            : $"> #{run.Head.Sequence} is the chain head: the run resumes from step {run.HeadStep}.");
    }

    private static string[] Row(RunView run, RunEvent e) =>
    [
        e.Kind == RunEventKind.Committed && e.Sequence == run.Head?.Sequence ? ">" : "",
        e.Sequence is { } sequence ? $"#{sequence}" : "",
        e.Step?.ToString(CultureInfo.InvariantCulture) ?? "",
        e.Parent is { } parent ? $"#{parent}" : "",
        Verb(e.Kind),
        Sizes.Of(e.At),
        e.Manifest?.Digest.ToShortString() ?? "",
        e.Detail ?? "",
    ];

    private static string Verb(RunEventKind kind) =>
        kind == RunEventKind.RolledBack ? "rolled back" : kind.ToString().ToLowerInvariant();
}
