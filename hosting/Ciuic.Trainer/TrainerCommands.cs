using System.CommandLine;
using System.CommandLine.Parsing;
using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Trainer;

/// <summary>The command line: <c>demo</c> and <c>train</c>.</summary>
internal static class TrainerCommands
{
    private const string Train = "train";

    /// <summary>Time for the demo to end its processes after SIGTERM.</summary>
    private static readonly TimeSpan DemoEnd = TimeSpan.FromSeconds(5);

    public static async Task<int> InvokeAsync(string[] args)
    {
        var root = new RootCommand("A real trainer that embeds Ciuic: a small GPT on real text, through TorchSharp.")
        {
            DemoCommandLine(),
            TrainCommandLine(),
        };
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            Console.Error.WriteLine($"ciuic trainer: {parsed.Errors[0].Message} (--help shows what there is)");
            return ExitCode.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                // A run in training answers SIGTERM itself: committing takes the time that its settings allow.
                ProcessTerminationTimeout = parsed.CommandResult.Command.Name == Train ? null : DemoEnd,
            });
        }
        catch (Exception error)
        {
            Console.Error.WriteLine($"ciuic trainer: {ExitCode.Reason(error)}");
            return ExitCode.For(error);
        }
    }

    private static Command DemoCommandLine()
    {
        var text = new Option<string?>("--text") { Description = "The text to train on; default: the repository's own." };
        var data = new Option<string?>("--data") { Description = "An empty folder to keep everything in; default: a new one under artifacts/demo." };
        var json = new Option<bool>("--json") { Description = "Print the summary as one JSON object; progress goes to standard error." };
        var command = new Command("demo", "Trains, kills, resumes, damages, rolls back, audits; exit code 0 only if every point held.")
        {
            text, data, json,
        };
        command.SetAction((parsed, cancel) => DemoCommand.RunAsync(
            parsed.GetValue(text), parsed.GetValue(data), parsed.GetValue(json), cancel));
        return command;
    }

    private static Command TrainCommandLine()
    {
        var run = new Option<string>("--run") { Description = "The run's name.", DefaultValueFactory = _ => "gpt" };
        var steps = new Option<long>("--steps") { Description = "Train until this step.", DefaultValueFactory = _ => 1_000 };
        var seed = new Option<int>("--seed") { Description = "Seed of everything random.", DefaultValueFactory = _ => 1 };
        var text = new Option<string?>("--text") { Description = "The text to train on; default: the repository's own." };
        var noSave = new Option<bool>("--no-save") { Description = "Neither save nor resume." };
        var hold = new Option<string?>("--hold") { Description = "Stand still at step:N, upload:N or commit:N until killed." };
        var machine = new Option<bool>("--machine") { Description = "Print a line per step for a program to read." };
        var ranks = new Option<int>("--ranks")
        {
            Description = "Train in so many processes: each has the whole model, some of each batch and some of the optimizer.",
            DefaultValueFactory = _ => 1,
        };
        var restarts = new Option<int>("--restarts") { Description = "With --ranks: how often all may begin again when one fails." };
        var set = new Option<string[]>("--set") { Description = "A setting, such as Ciuic:Save:EverySteps=5.", AllowMultipleArgumentsPerToken = true };
        var command = new Command(Train, "Trains a run, resuming it where it was.")
        {
            run, steps, seed, text, noSave, hold, machine, ranks, restarts, set,
        };
        command.SetAction((parsed, _) =>
        {
            if (parsed.GetValue(ranks) != 1)
                return LaunchAsync(parsed.GetValue(ranks), parsed.GetValue(restarts), parsed.GetValue(hold), parsed.Tokens);
            var options = new TrainOptions
            {
                Run = parsed.GetValue(run)!,
                Steps = parsed.GetValue(steps),
                Seed = parsed.GetValue(seed),
                Text = parsed.GetValue(text),
                NoSave = parsed.GetValue(noSave),
                Hold = parsed.GetValue(hold) is { } point ? HoldPoint.Parse(point) : null,
                Machine = parsed.GetValue(machine),
            };
            return new TrainCommand(options, SettingsFile.Read(parsed.GetValue(set) ?? [])).RunAsync();
        });
        return command;
    }

    private static Task<int> LaunchAsync(int ranks, int restarts, string? hold, IReadOnlyList<Token> tokens)
    {
        if (ranks is < 1 or > TrainCommand.Batch)
            throw new InvalidInputException($"--ranks: 1 to {TrainCommand.Batch} can share a batch of {TrainCommand.Batch}.");
        if (restarts < 0 || hold is not null)
            throw new InvalidInputException("--ranks goes with --restarts of 0 or more, and not with --hold.");
        // The same command line, but for what only the launcher does.
        var arguments = tokens.Select(t => t.Value).ToList();
        arguments[arguments.IndexOf("--ranks") + 1] = "1";
        return new RankLauncher(ranks, restarts, arguments).RunAsync();
    }
}
