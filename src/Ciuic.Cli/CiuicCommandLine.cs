using System.CommandLine;
using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Cli;

/// <summary>The command <c>ciuic</c>: parses, runs, and maps every error to its documented exit code.</summary>
internal static class CiuicCommandLine
{
    private const string Description = """
        Looks at runs and snapshots, rolls back, proves, audits.

        REF is latest, step:N, #sequence, tag:NAME or the first digits of a snapshot's digest.
        Settings come from appsettings.json beside the program, where there is one, the environment
        (Ciuic__Client__Gateways__0=...) and --set NAME=VALUE.

        Exit codes: 0 ok, 2 usage or configuration, 10 not found, 11 conflict or fenced, 13 silo or store
        unreachable, 20 integrity failure, 1 anything else.
        """;

    /// <summary>Runs one command line.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> InvokeAsync(string[] args, TextWriter output, TextWriter error)
    {
        var shown = new CommandOutput(output, error);
        var parsed = UsageComplaint.IsOnlyAGroup(Parse(shown, args)) ? Parse(shown, [.. args, "--help"]) : Parse(shown, args);
        if (parsed.Errors.Count > 0)
        {
            shown.Fail(UsageComplaint.Of(parsed));
            return ExitCode.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                Output = output,
                Error = error,
            });
        }
        catch (Exception problem)
        {
            var explained = SettingsFile.Explain(problem);
            shown.Fail(ExitCode.Reason(explained));
            return ExitCode.For(explained);
        }
    }

    /// <summary>Files of arguments are off: <c>@</c> is how snapshots are named.</summary>
    private static ParseResult Parse(CommandOutput output, IReadOnlyList<string> args) =>
        Root(output).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });

    private static RootCommand Root(CommandOutput output)
    {
        var root = new RootCommand(Description);
        foreach (var command in Commands(output))
            root.Add(command);
        return root;
    }

    private static IEnumerable<Command> Commands(CommandOutput output) =>
    [
        RunsCommand.Create(output),
        LsCommand.Create(output),
        ShowCommand.Create(output),
        EventsCommand.Create(output),
        RollbackCommand.Create(output),
        .. MarkCommands.Create(output),
        ProofCommand.Create(output),
        VerifyCommand.Create(output),
        AuditCommand.Create(output),
        ScrubCommand.Create(output),
        StoreCommands.Create(output),
        LedgerCommands.Create(output),
        SiloCommands.Create(output),
        WitnessCommand.Create(output),
        RebuildCommand.Create(output),
        SigningKeyCommand.Create(output), KeyCommands.Create(output),
    ];
}
