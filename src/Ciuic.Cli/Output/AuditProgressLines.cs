using Ciuic.Snapshots;

namespace Ciuic.Cli;

/// <summary>An audit's progress on standard error: one line that moves on a terminal, a line per stage elsewhere.</summary>
internal sealed class AuditProgressLines(CommandOutput output, string ledger)
{
    private const int RedrawEvery = 64;

    private readonly bool _live = output.IsTerminal && !Console.IsErrorRedirected;
    private string _stage = "";

    public void Report(AuditProgress progress)
    {
        if (_live && (progress.Done % RedrawEvery == 0 || progress.Done == progress.Total))
            Console.Error.Write($"\r{ledger}: {progress.Stage} {progress.Done}{Of(progress.Total)}        ");
        else if (!_live && progress.Stage != _stage)
            output.WriteProgress($"{ledger}: checking {progress.Stage}{Of(progress.Total)}");
        _stage = progress.Stage;
    }

    public void End()
    {
        if (_live)
            Console.Error.Write("\r" + new string(' ', 60) + "\r");
    }

    private static string Of(long? total) => total is null ? "" : $" of {total}";
}
