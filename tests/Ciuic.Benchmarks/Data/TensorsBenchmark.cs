using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Testing;
using Ciuic.Trainer;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Benchmarks;

/// <summary>
/// States of many small tensors, as adapters, mixtures of experts and optimizers have them, saved and read through a real silo on a folder:
/// what everything costs for each tensor. The aim is 20 us. Beside the time the processor time of this process is told: on a machine that
/// has other things to do it is the better figure.
/// </summary>
internal static class TensorsBenchmark
{
    private const int Elements = 250;
    private const double AimMicroseconds = 20;

    public static async Task RunAsync(string folder, IReadOnlyList<int> counts, BenchmarkReport report)
    {
        var own = Directory.CreateDirectory(Path.Combine(folder, $"ciuic-tensors-{Environment.ProcessId}"));
        var place = DemoPlace.Open(own.FullName) with { ApiPort = FreePorts.Take(1)[0] };
        await using (var silo = await SiloProcess.StartAsync(place, CancellationToken.None))
        {
            while (!File.Exists(place.ApiKeyFile))
                await Task.Delay(20);
            await MeasureAsync(place, 10, new BenchmarkReport(TextWriter.Null)); // compiles everything
            foreach (var count in counts)
                await MeasureAsync(place, count, report);
        }

        own.Delete(recursive: true);
    }

    private static async Task MeasureAsync(DemoPlace place, int count, BenchmarkReport report)
    {
        var run = $"tensors-{count}";
        var state = new Many([.. Enumerable.Range(0, count).Select(i => ArrayTensor.Random($"layers.{i}.weight", Elements, i))]);
        await using var chain = await ConnectAsync(place);
        await using (var training = await chain.OpenRunAsync(run))
        {
            await training.Track(state).ResumeAsync();
            var begin = Now();
            var save = await training.SaveAsync(new TrainingProgress(1, 0, 0));
            Add("save: the trainer waits", begin);
            await save.Committed;
            Add("save: committed, read back", begin);
        }

        await using (var again = await chain.OpenRunAsync(run))
            await TimeAsync("resume", () => again.Track(state).ResumeAsync());
        await TimeAsync("open, nothing read", async () => (await ReadAsync(chain, run)).Dispose());
        using (var saved = await ReadAsync(chain, run))
            await TimeAsync("read, all at once", () => saved.Items[0].ReadTensorsAsync(state.Targets()));
        using (var saved = await ReadAsync(chain, run))
            await TimeAsync("read, one after the other", () => Task.Run(() => state.Restore(saved.Items[0])));
        using (var saved = await ReadAsync(chain, run))
            await TimeAsync("verify", () => SavedItem.CheckAsync(saved.Items));
        using var http = Http(place);
        await TimeAsync("list over HTTP", () => http.GetByteArrayAsync($"runs/{run}/snapshots/latest/items"));
        await TimeAsync("safetensors over HTTP", () => http.GetByteArrayAsync($"runs/{run}/snapshots/latest/items/model.safetensors"));

        async Task TimeAsync(string what, Func<Task> call)
        {
            var begin = Now();
            await call();
            Add(what, begin);
        }

        static (long Time, TimeSpan Processor) Now() => (Stopwatch.GetTimestamp(), CpuClock.Now());

        void Add(string what, (long Time, TimeSpan Processor) begin)
        {
            var each = Stopwatch.GetElapsedTime(begin.Time).TotalMicroseconds / count;
            var processor = (CpuClock.Now() - begin.Processor).TotalMicroseconds / count;
            report.Add(new Figure(
                string.Create(CultureInfo.InvariantCulture, $"{count:#,0} tensors: {what}"), 1, each, "us/tensor",
                Note: string.Create(CultureInfo.InvariantCulture, $"{processor:0.0} us of processor")
                    + (each <= AimMicroseconds ? "" : $"; the aim is {AimMicroseconds} us")));
        }
    }

    private static Task<SavedSnapshot> ReadAsync(SnapshotChain chain, string run) => chain.ReadAsync(run, new SnapshotRef.Latest(), []);

    private static HttpClient Http(DemoPlace place)
    {
        var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{place.ApiPort}/api/v1/"), Timeout = TimeSpan.FromMinutes(10) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", File.ReadAllText(place.ApiKeyFile).Trim());
        return http;
    }

    private static Task<SnapshotChain> ConnectAsync(DemoPlace place)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Ciuic:Client:Mode"] = "Http",
            ["Ciuic:Client:Endpoint"] = $"http://127.0.0.1:{place.ApiPort}",
            ["Ciuic:Client:ApiKeyFile"] = place.ApiKeyFile,
            ["Ciuic:Client:StateDirectory"] = Path.Combine(place.Folder, "client"),
            ["Ciuic:Client:ConnectPatience"] = "00:02:00",
            ["Ciuic:Save:OnTerminate"] = "Ignore",
            ["Ciuic:Store:Uri"] = place.StoreUri,
        };
        return SnapshotChain.ConnectAsync(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
    }

    private sealed class Many(ArrayTensor[] tensors) : ITrackedState
    {
        public string Item => "model";

        public ItemState Capture() => new(Item, tensors, [], []);

        public IReadOnlyList<string> Compare(SavedItem saved) => [];

        public IReadOnlyList<SkippedPart> Restore(SavedItem saved)
        {
            foreach (var tensor in tensors)
                saved.ReadTensor(tensor.Name, (at, bytes) => bytes.Span.CopyTo(tensor.Content.AsSpan((int)at)));
            return [];
        }

        public IEnumerable<KeyValuePair<string, Action<long, ReadOnlyMemory<byte>>>> Targets() => tensors.Select(tensor =>
            KeyValuePair.Create(tensor.Name, (Action<long, ReadOnlyMemory<byte>>)((at, bytes) => bytes.Span.CopyTo(tensor.Content.AsSpan((int)at)))));
    }
}
