using System.Diagnostics;
using System.Text.Json;
using Ciuic.Snapshots;

namespace Ciuic.Benchmarks;

/// <summary>
/// PyTorch's own ways to save, on the same tensors handed over as files. Needs Debian's python3-torch; where it is not there
/// the figures are left out, and the report says so.
/// </summary>
internal sealed class TorchPeer(ComparePlan plan, BenchmarkReport report)
{
    private const string Python = "/usr/bin/python3";

    public async Task RunAsync(string folder, IReadOnlyList<ItemState> state, long size, CancellationToken cancel)
    {
        if (!await HasTorchAsync(cancel))
        {
            report.Add(new Figure("PyTorch is not there: apt-get install python3-torch libopenblas0-pthread", 1, 0, "-"));
            return;
        }

        var handed = Directory.CreateDirectory(Path.Combine(folder, "handed")).FullName;
        await WriteAsync(handed, state, cancel);
        var script = Path.Combine(AppContext.BaseDirectory, "Peers", "torch_peer.py");
        var output = await RunAsync([script, handed, Path.Combine(folder, "torch"), $"{plan.Repetitions}"], cancel);
        using var figures = JsonDocument.Parse(output);
        foreach (var figure in figures.RootElement.EnumerateObject())
        {
            var median = CompareBenchmark.Median(figure.Value.EnumerateArray().Select(v => v.GetDouble()));
            report.Add(new Figure(figure.Name, 1, median * 1_000, "ms", Note: $"{size / median / 1e9:0.00} GB/s"));
        }
    }

    private static async Task WriteAsync(string folder, IReadOnlyList<ItemState> state, CancellationToken cancel)
    {
        var index = new List<object>();
        await using var file = File.Create(Path.Combine(folder, "state.bin"));
        foreach (var (item, tensor) in state.SelectMany(i => i.Tensors.Select(t => (i.Item, t))))
        {
            var content = new byte[tensor.Length];
            tensor.CopyTo(0, content);
            index.Add(new { item, name = tensor.Name, dtype = Core.DTypes.Name(tensor.DType), shape = tensor.Shape, offset = file.Position });
            await file.WriteAsync(content, cancel);
        }

        await File.WriteAllTextAsync(Path.Combine(folder, "index.json"), JsonSerializer.Serialize(index), cancel);
    }

    private static async Task<bool> HasTorchAsync(CancellationToken cancel)
    {
        try
        {
            await RunAsync(["-c", "import torch"], cancel);
            return true;
        }
        catch (Exception error) when (error is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static async Task<string> RunAsync(string[] arguments, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(Python, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync(cancel);
        var output = await process.StandardOutput.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        return process.ExitCode == 0 ? output : throw new InvalidOperationException(await error);
    }
}
