using Ciuic.Contracts;

namespace Ciuic.Cli;

/// <summary>A rebuild's progress on standard error: a line for each tenth of the way.</summary>
internal sealed class RebuildLines(CommandOutput output)
{
    private string _said = "";

    public void Report(RebuildView view)
    {
        var line = view.TotalSnapshots == 0
            ? $"reading the ledger: {view.Blocks / 1_000} thousand blocks"
            : $"rebuilding: {10 * (view.Snapshots * 10 / view.TotalSnapshots)} % of {view.TotalSnapshots} snapshots";
        if (line != _said)
            output.WriteProgress(line);
        _said = line;
    }
}
