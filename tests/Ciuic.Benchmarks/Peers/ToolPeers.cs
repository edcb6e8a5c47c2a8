using System.Diagnostics;

namespace Ciuic.Benchmarks;

/// <summary>Compressors and backup programs on the bytes of a state; those that are not installed are left out, and said so.</summary>
internal sealed class ToolPeers(ComparePlan plan, BenchmarkReport report, string folder, long size)
{
    private static readonly (string, string) ResticPassword = ("RESTIC_PASSWORD", "benchmark");
    private static readonly (string, string) BorgUnencrypted = ("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes");

    public Task ZstdAsync(string handed, CancellationToken cancel) => TryAsync("zstd", async () =>
    {
        var (from, packed) = (Path.Combine(handed, "state.bin"), Path.Combine(folder, "state.zst"));
        report.AddTime("zstd -1, two threads", size, await RepeatAsync(() => PeerProcess.RunAsync("zstd", ["-1", "-T2", "-f", "-q", from, "-o", packed], cancel)));
        report.AddStored("zstd -1", size, new FileInfo(packed).Length);
        report.AddTime("zstd -d", size, await RepeatAsync(() => PeerProcess.RunAsync("zstd", ["-d", "-f", "-q", packed, "-o", packed + ".back"], cancel)));
        File.Delete(packed);
        File.Delete(packed + ".back");
    });

    /// <summary>A backup of the first state, and one of the second into the same repository.</summary>
    public Task ResticAsync(string first, string second, CancellationToken cancel) => TryAsync("restic", async () =>
    {
        var (repository, back) = (Path.Combine(folder, "restic"), Path.Combine(folder, "back"));
        await Run("init");
        await BackUpAsync("restic", repository, first, second, handed => Run("backup", handed));
        report.AddTime("restic: restore", size, [await TimeAsync(() => Run("restore", "latest", "--target", back))]);
        Delete(repository, back);

        Task Run(params string[] arguments) =>
            PeerProcess.RunAsync("restic", ["-q", "--no-cache", "-r", repository, .. arguments], cancel, ResticPassword);
    });

    /// <summary>Likewise.</summary>
    public Task BorgAsync(string first, string second, CancellationToken cancel) => TryAsync("borg", async () =>
    {
        var (repository, count) = (Path.Combine(folder, "borg"), 0);
        var home = ("BORG_BASE_DIR", Path.Combine(folder, "borg-home"));
        await PeerProcess.RunAsync("borg", ["init", "-e", "none", repository], cancel, BorgUnencrypted, home);
        await BackUpAsync("borg", repository, first, second, handed =>
            PeerProcess.RunAsync("borg", ["create", $"{repository}::{count++}", handed], cancel, BorgUnencrypted, home));
        report.AddTime("borg: restore", size, [await TimeAsync(() => PeerProcess.RunAsync(
            "borg", ["extract", "--stdout", $"{repository}::0"], cancel, BorgUnencrypted, home))]);
        Delete(repository, home.Item2);
    });

    private async Task BackUpAsync(string name, string repository, string first, string second, Func<string, Task> backUp)
    {
        report.AddTime($"{name}: save", size, [await TimeAsync(() => backUp(first))]);
        var before = Measured.BytesIn(repository);
        report.AddStored($"{name}, full", size, before);
        report.AddTime($"{name}: next save, {plan.Gaps[0]} steps later", size, [await TimeAsync(() => backUp(second))]);
        report.AddStored($"{name}, next save", size, Measured.BytesIn(repository) - before);
    }

    private async Task TryAsync(string name, Func<Task> measure)
    {
        try
        {
            await PeerProcess.RunAsync(name, ["--version"], CancellationToken.None);
        }
        catch (InvalidOperationException)
        {
            try
            {
                await PeerProcess.RunAsync(name, ["version"], CancellationToken.None);
            }
            catch (InvalidOperationException)
            {
                report.Add(new Figure($"{name} is not there: apt-get install {name}{(name == "borg" ? "backup" : "")}", 1, 0, "-"));
                return;
            }
        }

        await measure();
    }

    private async Task<List<double>> RepeatAsync(Func<Task> work)
    {
        var times = new List<double>();
        for (var i = 0; i < plan.Repetitions; i++)
            times.Add(await TimeAsync(work));
        return times;
    }

    private static async Task<double> TimeAsync(Func<Task> work)
    {
        var begin = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    private static void Delete(params string[] folders)
    {
        foreach (var folder in folders.Where(Directory.Exists))
            Directory.Delete(folder, recursive: true);
    }
}
