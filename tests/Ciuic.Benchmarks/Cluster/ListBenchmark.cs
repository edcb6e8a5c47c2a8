using System.Diagnostics;
using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Ciuic.Trainer;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ciuic.Benchmarks;

/// <summary>
/// A list of a thousand snapshots, of a silo that was started anew and has none of them in memory: on the database that comes with it, and on
/// PostgreSQL.
/// </summary>
internal static class ListBenchmark
{
    private const int Snapshots = 1_000;
    private const int Repetitions = 7;
    private const double AimMs = 50;

    public static async Task RunAsync(string folder, BenchmarkReport report)
    {
        await MeasureAsync("SQLite", Path.Combine(folder, "list-sqlite"), [], report);
        await using var postgres = await PostgresServer.StartAsync();
        string[] settings = [$"--Ciuic:Database:PostgreSql={await postgres.NewDatabaseAsync()}", "--Ciuic:Database:CreateSchema=true"];
        await MeasureAsync("PostgreSQL", Path.Combine(folder, "list-postgres"), settings, report);
    }

    private static async Task MeasureAsync(string database, string folder, string[] settings, BenchmarkReport report)
    {
        var place = DemoPlace.Open(folder);
        await using (await SiloProcess.StartAsync(place, CancellationToken.None, settings))
        {
            await using var saving = await ConnectAsync(place);
            var saver = await CommitSaver.OpenAsync(saving, StoreUri.Open(place.StoreUri), "listed");
            while (saver.Commits < Snapshots)
                await saver.SaveAsync();
        }

        await using var silo = await SiloProcess.StartAsync(place, CancellationToken.None, settings);
        await using var coordinator = await ConnectAsync(place);
        var times = new List<double>();
        for (var i = 0; i < Repetitions; i++)
        {
            var begin = Stopwatch.GetTimestamp();
            var page = await coordinator.ListSnapshotsAsync(RunId.Parse("listed"), long.MaxValue, Snapshots, CancellationToken.None);
            times.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
            if (page.Snapshots.Length != Snapshots)
                throw new InvalidOperationException($"{page.Snapshots.Length} of {Snapshots} snapshots were listed.");
        }

        var median = times.Order().ElementAt(Repetitions / 2);
        report.Add(new Figure(
            $"list of {Snapshots} snapshots, {database}", 1, median, "ms", median, times.Max(),
            Note: $"the first one {times[0]:0} ms; aim: at most {AimMs:0} ms, {(median <= AimMs ? "met" : "MISSED")}"));
    }

    private static async Task<OrleansCoordinator> ConnectAsync(DemoPlace place)
    {
        var options = new ClientOptions { Gateways = [$"127.0.0.1:{place.GatewayPort}"] };
        var coordinator = new OrleansCoordinator(new OrleansConnection(options, NullLoggerFactory.Instance));
        await coordinator.ConnectAsync(CancellationToken.None);
        return coordinator;
    }
}
