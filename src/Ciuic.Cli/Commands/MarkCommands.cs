using System.CommandLine;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Cli;

/// <summary><c>ciuic tag</c>, <c>untag</c>, <c>pin</c>, <c>unpin</c>: notes about committed snapshots, in the ledger.</summary>
internal static class MarkCommands
{
    public static IEnumerable<Command> Create(CommandOutput output) =>
    [
        Create(output, MarkKind.Tag, "tag", "Puts a tag on a snapshot, taking it from the one that had it."),
        Create(output, MarkKind.Untag, "untag", "Takes a tag from a snapshot."),
        Create(output, MarkKind.Pin, "pin", "Keeps a snapshot from ever being forgotten."),
        Create(output, MarkKind.Unpin, "unpin", "Takes a pin from a snapshot."),
        Create(output, MarkKind.Repair, "repair", "Accepts that a snapshot's parent is not the head it was committed on: audits pass again, and say so."),
    ];

    private static Command Create(CommandOutput output, MarkKind kind, string name, string description)
    {
        var target = new Argument<string>("RUN@REF")
        {
            Description = kind == MarkKind.Untag ? "The run; the tag is found." : "The snapshot; without @REF the latest.",
        };
        var tag = new Argument<string>("TAG") { Description = "The tag's name, such as best." };
        var reason = new Option<string>("--reason")
        {
            Description = "Why; it stays in the ledger.",
            Required = kind == MarkKind.Repair,
        };
        if (kind != MarkKind.Repair)
            reason.DefaultValueFactory = _ => "no reason given";
        var (json, set) = (CliSettings.Json(), CliSettings.Set());
        var tagged = kind is MarkKind.Tag or MarkKind.Untag;
        var command = new Command(name, description) { target, reason, json, set };
        if (tagged)
            command.Add(tag);
        command.SetAction(async (parsed, cancel) =>
        {
            var (run, reference) = CliSettings.ParseTarget(parsed.GetValue(target)!);
            TagName? named = tagged ? TagName.Parse(parsed.GetValue(tag)!) : null;
            if (kind == MarkKind.Untag && !parsed.GetValue(target)!.Contains('@'))
                reference = new SnapshotRef.Tagged(named!.Value); // wherever it is
            await using var chain = await CliSettings.ConnectAsync(parsed.GetValue(set)!, cancel);
            var snapshot = await chain.History.MarkAsync(
                run, reference, kind, named, parsed.GetValue(reason)!, CliSettings.Actor, cancel);
            if (parsed.GetValue(json))
                output.WriteJson(new { run = run.Value, sequence = snapshot.Sequence.Value, mark = kind, tag = named?.Value });
            else
                output.WriteLine($"{run}#{snapshot.Sequence}, step {snapshot.Order.Plan.Step}: {Done(kind)}{(named is null ? "" : $" {named}")}.");
            return ExitCode.Ok;
        });
        return command;
    }

    private static string Done(MarkKind kind) => kind switch
    {
        MarkKind.Tag => "tagged",
        MarkKind.Untag => "has no more the tag",
        MarkKind.Pin => "pinned",
        MarkKind.Repair => "what an audit finds wrong with its parent is accepted",
        _ => "pinned no more",
    };
}
