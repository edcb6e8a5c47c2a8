using System.CommandLine;
using Ciuic.Core;

namespace Ciuic.Cli;

/// <summary><c>ciuic rollback RUN --to REF --reason TEXT</c></summary>
internal static class RollbackCommand
{
    public static Command Create(CommandOutput output)
    {
        var run = new Argument<string>("RUN") { Description = "The run's name." };
        var to = new Option<string>("--to") { Description = "The snapshot to go back to (REF).", Required = true };
        var reason = new Option<string>("--reason") { Description = "Why; it stays in the ledger.", Required = true };
        var force = new Option<bool>("--force") { Description = "Fence a trainer that is at work on the run." };
        var (json, set) = (CliSettings.Json(), CliSettings.Set());
        var command = new Command(
            "rollback", "Moves a run's chain head back to an older snapshot; history keeps both branches.")
        {
            run, to, reason, force, json, set,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var id = RunId.Parse(parsed.GetValue(run)!);
            var reference = SnapshotRef.Parse(parsed.GetValue(to)!);
            await using var chain = await CliSettings.ConnectAsync(parsed.GetValue(set)!, cancel);
            var view = await chain.History.RollbackAsync(
                id, reference, parsed.GetValue(reason)!, CliSettings.Actor, parsed.GetValue(force), cancel);
            if (parsed.GetValue(json))
                output.WriteJson(RunsCommand.Json(view));
            else
                output.WriteLine($"Run {id} resumes from #{view.Head!.Sequence}, step {view.HeadStep}.");
            return ExitCode.Ok;
        });
        return command;
    }
}
