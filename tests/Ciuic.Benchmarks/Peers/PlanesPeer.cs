using System.Diagnostics;
using Ciuic.Snapshots;
using ZstdSharp;

namespace Ciuic.Benchmarks;

/// <summary>What anybody would write in a few lines: the bytes of equal significance together, then zstd -1 over each of them.</summary>
internal static class PlanesPeer
{
    public static void Run(BenchmarkReport report, IReadOnlyList<ItemState> state)
    {
        using var compressor = new Compressor(1);
        var (bytes, stored, begin) = (0L, 0L, Stopwatch.GetTimestamp());
        foreach (var tensor in state.SelectMany(i => i.Tensors).Where(t => t.Length > 0))
        {
            var content = new byte[tensor.Length];
            tensor.CopyTo(0, content);
            stored += Pack(compressor, content, Core.DTypes.Size(tensor.DType));
            bytes += content.Length;
        }

        report.AddTime("byte planes + zstd -1, one thread", bytes, [Stopwatch.GetElapsedTime(begin).TotalSeconds]);
        report.AddStored("byte planes + zstd -1", bytes, stored);
    }

    private static long Pack(Compressor compressor, byte[] content, int width)
    {
        var (plane, stored) = (new byte[content.Length / width], 0L);
        for (var p = 0; p < width; p++)
        {
            for (var i = 0; i < plane.Length; i++)
                plane[i] = content[(i * width) + p];
            stored += compressor.Wrap(plane).Length;
        }

        return stored;
    }
}
