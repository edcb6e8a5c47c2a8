using System.CommandLine;
using Ciuic.Core;

namespace Ciuic.Chaos;

/// <summary>The command line: chaos, and the worker that it starts as a process.</summary>
internal static class ChaosCommandLine
{
    public static async Task<int> InvokeAsync(string[] args)
    {
        var root = Chaos(args);
        root.Add(Worker());
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            Console.Error.WriteLine($"ciuic chaos: {parsed.Errors[0].Message} (--help shows what there is)");
            return ExitCode.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
        }
        catch (Exception error)
        {
            Console.Error.WriteLine($"ciuic chaos: {ExitCode.Reason(error)}");
            return ExitCode.For(error);
        }
    }

    private static RootCommand Chaos(string[] args)
    {
        var silos = new Option<int>("--silos") { Description = "Silos.", DefaultValueFactory = _ => 3 };
        var runs = new Option<int>("--runs") { Description = "Runs that are trained at once.", DefaultValueFactory = _ => 2 };
        var ranks = new Option<int>("--ranks") { Description = "Processes that train each run.", DefaultValueFactory = _ => 4 };
        var minutes = new Option<double>("--minutes") { Description = "How long faults are injected.", DefaultValueFactory = _ => 5 };
        var seed = new Option<int>("--seed") { Description = "Decides what is broken when.", DefaultValueFactory = _ => 1 };
        var logs = new Option<string?>("--logs") { Description = "An empty folder that keeps what silos and ranks print." };
        var json = new Option<FileInfo?>("--json") { Description = "Writes the figures to this file." };
        var root = new RootCommand(
            "Trains on a real cluster (PostgreSQL, Ceph, silos and trainers as processes), kills, pauses and slows what there is, and then "
            + "compares everything that was ever acknowledged with what is there. Exit code 0 only if nothing is lost or wrong.")
        {
            silos, runs, ranks, minutes, seed, logs, json,
        };
        root.SetAction(async (parsed, cancel) =>
        {
            var plan = new ChaosPlan(
                parsed.GetValue(silos), parsed.GetValue(runs), parsed.GetValue(ranks), TimeSpan.FromMinutes(parsed.GetValue(minutes)),
                parsed.GetValue(seed), parsed.GetValue(logs));
            if (plan.Silos < 1 || plan.Runs < 1 || plan.Ranks is < 1 or > 16 || plan.Duration <= TimeSpan.Zero)
                throw new InvalidInputException("--silos, --runs, --ranks (up to 16) and --minutes are 1 or more.");
            return ChaosNetwork.IsInside ? await new ChaosRun(plan).RunAsync(parsed.GetValue(json), cancel)
                : await ChaosNetwork.TryEnterAsync(args, cancel) ?? await new ChaosRun(plan).RunAsync(parsed.GetValue(json), cancel);
        });
        return root;
    }

    private static Command Worker()
    {
        var run = new Option<string>("--run") { Required = true };
        var set = new Option<string[]>("--set") { AllowMultipleArgumentsPerToken = true };
        var command = new Command("worker", "One rank of a run; started by chaos.") { run, set };
        command.Hidden = true;
        command.SetAction((parsed, cancel) => new ChaosWorker(parsed.GetValue(run)!, parsed.GetValue(set) ?? []).RunAsync(cancel));
        return command;
    }
}
