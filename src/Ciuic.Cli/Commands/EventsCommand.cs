using System.CommandLine;
using System.Globalization;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Cli;

/// <summary><c>ciuic events</c>: what happened to a run, or happens to all of them.</summary>
internal static class EventsCommand
{
    public static Command Create(CommandOutput output)
    {
        var run = new Argument<string?>("RUN") { Description = "The run's name; none: all runs.", Arity = ArgumentArity.ZeroOrOne };
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with what happens from now on, until interrupted." };
        var from = new Option<long>("--from") { Description = "The first event's number.", DefaultValueFactory = _ => 1 };
        var (json, set) = (CliSettings.Json(), CliSettings.Set());
        json.Description = "Print a JSON object a line.";
        var command = new Command("events", "Shows what happened to runs, each event once, in order.") { run, follow, from, json, set };
        command.SetAction(async (parsed, cancel) =>
        {
            var id = parsed.GetValue(run) is { } name ? RunId.Parse(name) : (RunId?)null;
            if (parsed.GetValue(from) < 1 || (id is null && parsed.GetValue(from) != 1))
                throw new InvalidInputException("--from: events have numbers from 1, and each run has its own.");
            var overrides = parsed.GetValue(set)!;
            await using var chain = parsed.GetValue(follow)
                ? await CliSettings.ConnectPatientlyAsync(output, overrides, cancel)
                : await CliSettings.ConnectAsync(overrides, cancel);
            var events = parsed.GetValue(follow)
                ? Follow(chain, id, parsed.GetValue(from), cancel)
                : ReadAsync(chain, id, parsed.GetValue(from), cancel);
            await foreach (var happened in events)
                Write(output, happened, parsed.GetValue(json));
            return ExitCode.Ok;
        });
        return command;
    }

    private static IAsyncEnumerable<RunEvent> Follow(SnapshotChain chain, RunId? run, long from, CancellationToken cancel) =>
        run is { } one ? chain.Events.FollowAsync(one, from, cancel) : chain.Events.FollowAllAsync(null, cancel);

    private static async IAsyncEnumerable<RunEvent> ReadAsync(
        SnapshotChain chain, RunId? run, long from, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        var runs = run is { } one
            ? [(await chain.History.DescribeAsync(one, cancel)).Run]
            : (await chain.History.ListRunsAsync(cancel)).Select(r => r.Run).ToList();
        foreach (var id in runs)
        {
            await foreach (var happened in chain.History.ReadEventsAsync(id, cancel))
            {
                if (happened.Number >= from)
                    yield return happened;
            }
        }
    }

    private static void Write(CommandOutput output, RunEvent e, bool asJson)
    {
        if (asJson)
        {
            output.WriteJsonLine(LsCommand.Json(e));
            return;
        }

        var what = string.Create(
            CultureInfo.InvariantCulture,
            $"{e.At:yyyy-MM-dd HH:mm:ss}  {e.Run} {e.Number,5}  {e.Kind,-10}  {(e.Sequence is { } s ? $"#{s}" : "")}{(e.Step is { } step ? $" step {step}" : "")}");
        output.WriteLine($"{what.TrimEnd()}{(e.Detail is null ? "" : $"  {e.Detail}")}");
    }
}
