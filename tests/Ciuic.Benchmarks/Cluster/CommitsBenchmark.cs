using System.Globalization;
using Ciuic.Client;
using Ciuic.Storage;
using Ciuic.Testing;
using Ciuic.Trainer;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ciuic.Benchmarks;

/// <summary>
/// Whole commits of small snapshots: begin, shard, manifest, verification, block, head, events; one silo, PostgreSQL and a folder, all on
/// this machine.
/// </summary>
internal static class CommitsBenchmark
{
    private const string Name = "commits, PostgreSQL, file store";

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(20);

    public static async Task RunAsync(ClusterPlan plan, string folder, BenchmarkReport report)
    {
        await using var postgres = await PostgresServer.StartAsync();
        var place = DemoPlace.Open(Path.Combine(folder, "silo"));
        await using var silo = await SiloProcess.StartAsync(
            place, CancellationToken.None, $"--Ciuic:Ledger:KeyDirectory={LedgerKeyFiles.Make(Path.Combine(folder, "keys"))}",
            $"--Ciuic:Database:PostgreSql={await postgres.NewDatabaseAsync()}", "--Ciuic:Database:CreateSchema=true");
        var options = new ClientOptions { Gateways = [$"127.0.0.1:{place.GatewayPort}"] };
        await using var coordinator = new OrleansCoordinator(new OrleansConnection(options, NullLoggerFactory.Instance));
        await coordinator.ConnectAsync(CancellationToken.None);
        var savers = new List<CommitSaver>();
        var store = StoreUri.Open(place.StoreUri);
        for (var run = 0; run < plan.Runs; run++)
            savers.Add(await CommitSaver.OpenAsync(coordinator, store, $"run{run}"));
        if (plan.Parts.Contains(ClusterPart.Commits))
        {
            // A silo runs for weeks; in its first seconds a third of its time goes into compiling itself.
            await LoadAsync(plan.Runs, WarmUp);
            foreach (var callers in new[] { 1, plan.Runs })
                report.Add(await LoadAsync(callers, plan.Length));
        }

        if (plan.Parts.Contains(ClusterPart.Memory))
            await WatchMemoryAsync(plan, silo.Id, savers, report);

        Task<Figure> LoadAsync(int callers, TimeSpan length) =>
            Load.RunAsync(Name, "commits", callers, length, caller => savers[caller].SaveAsync());
    }

    private static async Task WatchMemoryAsync(ClusterPlan plan, int silo, List<CommitSaver> savers, BenchmarkReport report)
    {
        foreach (var part in new[] { 0.1, 0.5, 1 })
        {
            var each = (int)(plan.Commits * part) / savers.Count;
            await Task.WhenAll(savers.Select(async saver =>
            {
                while (saver.Commits < each)
                    await saver.SaveAsync();
            }));
            var resident = File.ReadLines($"/proc/{silo}/status").First(l => l.StartsWith("VmRSS", StringComparison.Ordinal)).Split(':')[1];
            var mib = long.Parse(resident.Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture) / 1024.0;
            report.Add(new Figure($"silo's memory after {savers.Sum(s => s.Commits)} commits", savers.Count, mib, "MiB resident"));
        }
    }
}
