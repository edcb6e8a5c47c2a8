using System.Globalization;
using System.Text;

namespace Ciuic.Benchmarks;

/// <summary>The comparison as a page: aims, plots, and every figure.</summary>
internal static class CompareMarkdown
{
    private static readonly (string Title, string[] Figures)[] Charts =
    [
        ("What a save stores, part of the state",
        [
            "full, Raw: stored", "zstd -1: stored", "restic, full: stored", "borg, full: stored", "byte planes + zstd -1: stored", "full, Planes: stored", "full, bf16 weights: stored",
            "restic, next save: stored", "borg, next save: stored", "delta, 100 steps apart: stored", "delta, 20 steps apart: stored",
            "delta, 10 steps apart: stored", "delta, 1 steps apart: stored",
        ]),
        ("What training waits for, ms",
        [
            "memcpy, warm, one thread", "stall: live tensors into staging memory", "stall, first save", "torch.save", "torch.save and fsync",
            "torch.distributed.checkpoint save",
        ]),
        ("Until a save is durable, ms",
        [
            "disk: one file, written and flushed", "torch.save and fsync", "full, Raw: durable", "full, Planes: durable", "delta, 20 steps apart: durable",
            "delta, 1 steps apart: durable", "zstd -1, two threads", "byte planes + zstd -1, one thread", "restic: save", "borg: save",
        ]),
        ("Restore, ms (ours verified)",
        [
            "torch.load, warm", "torch.distributed.checkpoint load, warm", "full, Raw: verified restore", "full, Planes: verified restore",
            "delta, 20 steps apart: verified restore", "delta, 1 steps apart: verified restore", "zstd -d", "restic: restore", "borg: restore",
        ]),
        ("Processor for a save by size, s/GB",
        [
            "size 64 MiB: save, processor", "size 256 MiB: save, processor", "size 1 GiB: save, processor", "size 4 GiB: save, processor",
        ]),
        ("A commit by the length of the run, ms",
        [
            "commit after 10 snapshots", "commit after 1,000 snapshots", "commit after 10,000 snapshots",
        ]),
    ];

    /// <summary>Writes the page, and its plots beside it.</summary>
    public static async Task WriteAsync(string path, BenchmarkReport report, CancellationToken cancel)
    {
        var page = new StringBuilder("# Saves and restores, measured side by side\n\n");
        page.Append(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} cores. Medians; everything in one run on the same bytes.\n\n");
        page.Append("| aim | measured | limit | |\n|---|---|---|---|\n");
        foreach (var aim in Aim.Of(report))
        {
            page.Append(
                CultureInfo.InvariantCulture,
                $"| {aim.What} | {aim.Value:0.###} | {(aim.IsMost ? "at most" : "at least")} {aim.Limit:0.###} | {(aim.IsMet ? "met" : "**missed**")} |\n");
        }

        for (var i = 0; i < Charts.Length; i++)
        {
            var (title, names) = Charts[i];
            var bars = names.Select(n => (Name: n, Value: report.Find(n))).Where(b => b.Value is not null).Select(b => (b.Name, b.Value!.Value)).ToList();
            if (bars.Count == 0)
                continue;
            var file = $"{Path.GetFileNameWithoutExtension(path)}-{i + 1}.svg";
            await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, file), SvgBars.Draw(title, bars), cancel);
            page.Append(CultureInfo.InvariantCulture, $"\n![{title}]({file})\n");
        }

        page.Append("\n| figure | value | unit | |\n|---|---|---|---|\n");
        foreach (var figure in report.Figures)
            page.Append(CultureInfo.InvariantCulture, $"| {figure.Name} | {figure.Value:#,0.##} | {figure.Unit} | {figure.Note} |\n");
        await File.WriteAllTextAsync(path, page.ToString(), cancel);
    }
}
