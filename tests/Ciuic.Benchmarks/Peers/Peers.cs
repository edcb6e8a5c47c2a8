using System.Text.Json;
using Ciuic.Snapshots;

namespace Ciuic.Benchmarks;

/// <summary>Other programs on the same tensors, which are handed over as files.</summary>
internal sealed class Peers(ComparePlan plan, BenchmarkReport report)
{
    public async Task RunAsync(
        string folder, IReadOnlyList<ItemState> first, IReadOnlyList<ItemState> second, CancellationToken cancel)
    {
        var (before, now) = (await HandAsync(folder, "first", first, cancel), await HandAsync(folder, "second", second, cancel));
        var size = SaveBenchmark.Size(first);
        await new TorchPeer(plan, report).RunAsync(before, Path.Combine(folder, "torch"), size, cancel);
        var tools = new ToolPeers(plan, report, folder, size);
        await tools.ZstdAsync(before, cancel);
        PlanesPeer.Run(report, first);
        await tools.ResticAsync(before, now, cancel);
        await tools.BorgAsync(before, now, cancel);
    }

    private static async Task<string> HandAsync(string folder, string name, IReadOnlyList<ItemState> state, CancellationToken cancel)
    {
        var handed = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
        var index = new List<object>();
        await using (var file = File.Create(Path.Combine(handed, "state.bin")))
        {
            foreach (var (item, tensor) in state.SelectMany(i => i.Tensors.Select(t => (i.Item, t))))
            {
                var content = new byte[tensor.Length];
                tensor.CopyTo(0, content);
                index.Add(new { item, name = tensor.Name, dtype = Core.DTypes.Name(tensor.DType), shape = tensor.Shape, offset = file.Position });
                await file.WriteAsync(content, cancel);
            }
        }

        await File.WriteAllTextAsync(Path.Combine(handed, "index.json"), JsonSerializer.Serialize(index), cancel);
        return handed;
    }
}
