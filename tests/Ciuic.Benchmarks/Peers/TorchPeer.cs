using System.Text.Json;

namespace Ciuic.Benchmarks;

/// <summary>
/// PyTorch's own ways to save, on the same tensors handed over as files. Needs Debian's python3-torch; where it is not there
/// the figures are left out, and the report says so.
/// </summary>
internal sealed class TorchPeer(ComparePlan plan, BenchmarkReport report)
{
    private const string Python = "/usr/bin/python3";

    public async Task RunAsync(string handed, string folder, long size, CancellationToken cancel)
    {
        if (!await HasTorchAsync(cancel))
        {
            report.Add(new Figure("PyTorch is not there: apt-get install python3-torch libopenblas0-pthread", 1, 0, "-"));
            return;
        }

        var script = Path.Combine(AppContext.BaseDirectory, "Peers", "torch_peer.py");
        var output = await PeerProcess.RunAsync(Python, [script, handed, folder, $"{plan.Repetitions}"], cancel);
        using var figures = JsonDocument.Parse(output);
        foreach (var figure in figures.RootElement.EnumerateObject())
            report.AddTime(figure.Name, size, figure.Value.EnumerateArray().Select(v => v.GetDouble()));
        Directory.Delete(folder, recursive: true);
    }

    private static async Task<bool> HasTorchAsync(CancellationToken cancel)
    {
        try
        {
            await PeerProcess.RunAsync(Python, ["-c", "import torch"], cancel);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
