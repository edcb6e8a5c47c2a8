using System.Diagnostics;
using System.Globalization;
using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Testing;
using Ciuic.Trainer;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Benchmarks;

/// <summary>
/// A state of incompressible bytes, stored raw, through a silo's HTTP gateway and directly to the same folder: upload until all chunks are
/// stored, restore until every byte is checked. Then many clients at once, with the silo's memory beside them.
/// </summary>
internal static class GatewayBenchmark
{
    private const int Megabytes = 192;
    private const int Repetitions = 5;
    private const int Clients = 200;

    public static async Task RunAsync(string folder, BenchmarkReport report)
    {
        var place = DemoPlace.Open(Path.Combine(folder, "gateway")) with { ApiPort = FreePorts.Take(1)[0] };
        await using var silo = await SiloProcess.StartAsync(place, CancellationToken.None);
        while (!File.Exists(place.ApiKeyFile))
            await Task.Delay(20);
        await CompareAsync(place, report);
        await CrowdAsync(place, silo, report);
    }

    private static async Task CompareAsync(DemoPlace place, BenchmarkReport report)
    {
        var (saved, restored) = (new Dictionary<string, List<double>>(), new Dictionary<string, List<double>>());
        for (var i = 0; i < Repetitions; i++)
        {
            foreach (var store in new[] { place.StoreUri, "gateway:" })
            {
                var (up, down) = await MoveAsync(place, store, $"{(store == "gateway:" ? "through" : "direct")}-{i}", i);
                (saved.TryGetValue(store, out var s) ? s : saved[store] = []).Add(up);
                (restored.TryGetValue(store, out var r) ? r : restored[store] = []).Add(down);
            }
        }

        Add("upload, to the folder directly", saved[place.StoreUri], null);
        Add("upload, through the gateway", saved["gateway:"], saved[place.StoreUri]);
        Add("restore, from the folder directly", restored[place.StoreUri], null);
        Add("restore, through the gateway", restored["gateway:"], restored[place.StoreUri]);

        void Add(string name, List<double> seconds, List<double>? peer) => report.Add(new Figure(
            name, 1, Megabytes * 1.048576 / Median(seconds), "MB/s", Note: peer is null ? null : $"{Median(peer) / Median(seconds):0.00} of the folder directly"));
    }

    private static async Task<(double Saved, double Restored)> MoveAsync(DemoPlace place, string store, string name, int seed)
    {
        var state = new Weights(ArrayTensor.Random("t", Megabytes << 18, seed + (store == "gateway:" ? 1_000 : 0)));
        await using var chain = await ConnectAsync(place, store);
        double saved;
        await using (var run = await chain.OpenRunAsync(name))
        {
            await run.Track(state).ResumeAsync();
            var uploaded = new TaskCompletionSource();
            run.OnSaveProgress += p => _ = p.Stage == SaveStage.Uploaded && uploaded.TrySetResult();
            var begin = Stopwatch.GetTimestamp();
            var save = await run.SaveAsync(new TrainingProgress(1, 0, 0));
            await uploaded.Task;
            saved = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            await save.Committed;
        }

        await using var again = await chain.OpenRunAsync(name);
        var from = Stopwatch.GetTimestamp();
        await again.Track(state).ResumeAsync();
        return (saved, Stopwatch.GetElapsedTime(from).TotalSeconds);
    }

    /// <summary>Each of them saves a small state; all begin at once.</summary>
    private static async Task CrowdAsync(DemoPlace place, SiloProcess silo, BenchmarkReport report)
    {
        var before = Resident(silo.Id);
        var (begin, peak, done) = (Stopwatch.GetTimestamp(), before, false);
        var watching = Task.Run(async () =>
        {
            while (!done)
            {
                peak = Math.Max(peak, Resident(silo.Id));
                await Task.Delay(50);
            }
        });
        var waits = await Task.WhenAll(Enumerable.Range(0, Clients).Select(async i =>
        {
            await using var chain = await ConnectAsync(place, "gateway:");
            await using var run = await chain.OpenRunAsync($"crowd-{i}");
            await run.Track(new Weights(ArrayTensor.Random("t", 1 << 20, 10_000 + i))).ResumeAsync();
            var from = Stopwatch.GetTimestamp();
            await (await run.SaveAsync(new TrainingProgress(1, 0, 0))).Committed;
            return Stopwatch.GetElapsedTime(from).TotalMilliseconds;
        }));
        done = true;
        await watching;
        var seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        var sorted = waits.Order().ToArray();
        report.Add(new Figure(
            "clients that save 4 MiB at once", Clients, Clients / seconds, "commits/s", sorted[Clients / 2], sorted[Clients * 99 / 100],
            Note: $"the silo's memory: {before >> 20} MiB before, {peak >> 20} MiB at most"));
    }

    private static Task<SnapshotChain> ConnectAsync(DemoPlace place, string store)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Ciuic:Client:Mode"] = "Http",
            ["Ciuic:Client:Endpoint"] = $"http://127.0.0.1:{place.ApiPort}",
            ["Ciuic:Client:ApiKeyFile"] = place.ApiKeyFile,
            ["Ciuic:Client:StateDirectory"] = Path.Combine(place.Folder, "client"),
            ["Ciuic:Client:ConnectPatience"] = "00:02:00",
            ["Ciuic:Save:OnTerminate"] = "Ignore",
            ["Ciuic:Codec:Mode"] = "Raw",
            ["Ciuic:Store:Uri"] = store,
        };
        return SnapshotChain.ConnectAsync(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
    }

    private static long Resident(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private sealed class Weights(ArrayTensor tensor) : ITrackedState
    {
        public string Item => "model";

        public ItemState Capture() => new(Item, [tensor], [], []);

        public IReadOnlyList<string> Compare(SavedItem saved) => [];

        public IReadOnlyList<SkippedPart> Restore(SavedItem saved)
        {
            saved.ReadTensor("t", (at, bytes) => bytes.Span.CopyTo(tensor.Content.AsSpan((int)at)));
            return [];
        }
    }
}
