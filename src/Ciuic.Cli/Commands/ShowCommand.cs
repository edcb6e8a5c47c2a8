using System.CommandLine;
using System.Globalization;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Cli;

/// <summary><c>ciuic show RUN@REF</c></summary>
internal static class ShowCommand
{
    public static Command Create(CommandOutput output)
    {
        var target = new Argument<string>("RUN@REF") { Description = "The snapshot; without @REF the latest." };
        var (json, set) = (CliSettings.Json(), CliSettings.Set());
        var command = new Command("show", "Shows one snapshot.") { target, json, set };
        command.SetAction(async (parsed, cancel) =>
        {
            var (run, reference) = CliSettings.ParseTarget(parsed.GetValue(target)!);
            await using var chain = await CliSettings.ConnectAsync(parsed.GetValue(set)!, cancel);
            var snapshot = await chain.History.FindAsync(run, reference, cancel);
            var marks = await MarksAsync(chain, snapshot, cancel);
            if (parsed.GetValue(json))
                output.WriteJson(Json(snapshot, marks));
            else
                output.WriteTable(["field", "value"], Rows(snapshot, marks));
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<(string[] Tags, bool IsPinned)> MarksAsync(
        SnapshotChain chain, SnapshotView snapshot, CancellationToken cancel)
    {
        var run = await chain.History.DescribeAsync(snapshot.Run, cancel);
        return (
            run.Tags.Where(t => t.Value == snapshot.Sequence).Select(t => t.Key).Order(StringComparer.Ordinal).ToArray(),
            run.Pins.Contains(snapshot.Sequence));
    }

    private static object Json(SnapshotView s, (string[] Tags, bool IsPinned) marks) => new
    {
        run = s.Run.Value,
        sequence = s.Sequence.Value,
        state = s.State,
        manifest = s.Manifest?.ToString(),
        parent = s.Order.Parent?.Sequence.Value,
        step = s.Order.Plan.Step,
        epoch = s.Order.Plan.Epoch,
        nextSample = s.Order.Plan.NextSample,
        metrics = s.Order.Plan.Metrics,
        labels = s.Order.Plan.Labels,
        worldSize = s.Order.Plan.WorldSize,
        token = s.Order.Token.Value,
        bytes = s.Bytes,
        block = s.Position?.Height,
        line = s.Position?.Line,
        createdAt = s.Order.CreatedAt,
        settledAt = s.SettledAt,
        reason = s.Reason,
        problem = s.Problem,
        signer = s.Order.Plan.Signer?.ToString(),
        tags = marks.Tags,
        pinned = marks.IsPinned,
        missingRanks = s.MissingRanks,
        trainer = s.Order.Plan.Trainer.ToString(),
    };

    private static IEnumerable<string[]> Rows(SnapshotView s, (string[] Tags, bool IsPinned) marks)
    {
        var plan = s.Order.Plan;
        yield return ["snapshot", $"{s.Run}#{s.Sequence}"];
        yield return ["state", s.State.ToString().ToLowerInvariant()];
        yield return ["digest", s.Manifest?.ToString() ?? "-"];
        yield return ["step", plan.Step.ToString(CultureInfo.InvariantCulture)];
        yield return ["epoch, next sample", $"{plan.Epoch}, {plan.NextSample}"];
        yield return ["parent", s.Order.Parent is { } parent ? $"#{parent.Sequence}" : "-"];
        yield return ["size", Sizes.Of(s.Bytes)];
        yield return ["ledger", s.Position is { } at ? $"block {at.Height}, line {at.Line}" : "-"];
        yield return ["begun, settled", $"{Sizes.Of(s.Order.CreatedAt)}, {Sizes.Of(s.SettledAt)}"];
        yield return ["saved by", $"{plan.Trainer}, token {s.Order.Token}"];
        if (plan.Signer is { } signer)
            yield return ["signed by", signer.ToString()];
        if (marks.Tags.Length > 0)
            yield return ["tags", string.Join(", ", marks.Tags)];
        if (marks.IsPinned)
            yield return ["pinned", "yes"];
        foreach (var (name, value) in plan.Metrics)
            yield return [$"metric {name}", value.ToString("R", CultureInfo.InvariantCulture)];
        foreach (var (name, value) in plan.Labels)
            yield return [$"label {name}", value]; // null was taken once, and stays
        if (s.Reason is not null)
            yield return ["reason", s.Reason];
        if (s.Problem is not null)
            yield return ["problem", s.Problem];
        if (s.MissingRanks.Length > 0)
            yield return ["missing ranks", string.Join(", ", s.MissingRanks)];
    }
}
