using System.Diagnostics;
using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Ciuic.Trainer;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ciuic.Benchmarks;

/// <summary>
/// Three silos on PostgreSQL, runs that commit all the time; one silo after the other is killed with SIGKILL. Measured is the longest
/// time without a commit of any run, after each kill.
/// </summary>
internal static class FailoverBenchmark
{
    private const int Silos = 3;
    private const int Runs = 8;
    private const int Kills = 3;

    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>What Orleans does where nobody says anything.</summary>
    private static readonly string[] Defaults =
    [
        "--Orleans:ClusterMembership:ProbeTimeout=00:00:05", "--Orleans:ClusterMembership:NumMissedProbesLimit=3",
        "--Orleans:ClusterMembership:TableRefreshTimeout=00:01:00", "--Orleans:ClusterMembership:IAmAliveTablePublishTimeout=00:00:30",
    ];

    public static async Task RunAsync(string folder, BenchmarkReport report)
    {
        await MeasureAsync("failover, silo killed", [], Path.Combine(folder, "tuned"), report);
        await MeasureAsync("failover, silo killed, Orleans' defaults", Defaults, Path.Combine(folder, "defaults"), report);
    }

    private static async Task MeasureAsync(string name, string[] settings, string folder, BenchmarkReport report)
    {
        await using var postgres = await PostgresServer.StartAsync();
        await using var silos = new SiloSet(folder, await postgres.NewDatabaseAsync(), settings);
        await silos.StartAsync();
        var options = new ClientOptions { Gateways = silos.Gateways };
        await using var coordinator = new OrleansCoordinator(new OrleansConnection(options, NullLoggerFactory.Instance));
        await coordinator.ConnectAsync(CancellationToken.None);
        var store = StoreUri.Open(silos.StoreUri);
        var loops = new List<CommitLoop>();
        for (var run = 0; run < Runs; run++)
            loops.Add(new CommitLoop(await CommitSaver.OpenAsync(coordinator, store, $"run{run}")));
        var outages = new List<double>();
        for (var kill = 0; kill < Kills; kill++)
        {
            await Task.Delay(Quiet);
            outages.Add(await silos.KillAsync(kill % Silos, killed => WorstGapAsync(loops, killed)));
        }

        await Task.WhenAll(loops.Select(l => l.DisposeAsync().AsTask()));
        report.Add(new Figure(name, Runs, outages.Max(), "s without a commit, the worst run and kill", Note: string.Join(", ", outages.Select(o => $"{o:0.0}"))));
    }

    /// <summary>Waits until every run has committed twice: the first may have been under way.</summary>
    private static async Task<double> WorstGapAsync(List<CommitLoop> loops, long begin) =>
        (await Task.WhenAll(loops.Select(l => l.CommittedSinceAsync(begin).WaitAsync(Patience)))).Max();

    /// <summary>One run that commits again and again, whatever is unavailable.</summary>
    private sealed class CommitLoop : IAsyncDisposable
    {
        private readonly CancellationTokenSource _ending = new();
        private readonly CommitSaver _saver;
        private readonly Task _saving;

        public CommitLoop(CommitSaver saver)
        {
            _saver = saver;
            _saving = Task.Run(SaveAsync);
        }

        /// <summary>Seconds from a moment just past until a commit that was begun after it.</summary>
        public async Task<double> CommittedSinceAsync(long begin)
        {
            var commits = _saver.Commits;
            while (_saver.Commits < commits + 2)
                await Task.Delay(5);
            return Stopwatch.GetElapsedTime(begin).TotalSeconds;
        }

        public async ValueTask DisposeAsync()
        {
            await _ending.CancelAsync();
            await _saving;
        }

        private async Task SaveAsync()
        {
            while (!_ending.IsCancellationRequested)
            {
                try
                {
                    await _saver.SaveAsync();
                }
                catch (UnavailableException)
                {
                    await Task.Delay(50);
                }
            }
        }
    }

    /// <summary>Silos of one cluster, each a process.</summary>
    private sealed class SiloSet(string folder, string database, string[] settings) : IAsyncDisposable
    {
        private readonly SiloProcess?[] _silos = new SiloProcess?[Silos];

        private readonly DemoPlace[] _places = [.. Enumerable.Range(0, Silos).Select(i =>
            DemoPlace.Open(Path.Combine(folder, $"silo{i}")) with { StoreSettings = [$"Ciuic:Store:Uri=file:{folder}/store"] })];

        public string StoreUri => $"file:{folder}/store";

        public string[] Gateways => [.. _places.Select(p => $"127.0.0.1:{p.GatewayPort}")];

        public Task StartAsync() => Task.WhenAll(Enumerable.Range(0, Silos).Select(StartAsync));

        /// <summary>Kills one, waits for what is measured, starts another in its place.</summary>
        public async Task<double> KillAsync(int silo, Func<long, Task<double>> measure)
        {
            var begin = Stopwatch.GetTimestamp();
            await _silos[silo]!.DisposeAsync();
            var outage = await measure(begin);
            await StartAsync(silo);
            return outage;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var silo in _silos.OfType<SiloProcess>())
                await silo.DisposeAsync();
        }

        private async Task StartAsync(int silo) => _silos[silo] = await SiloProcess.StartAsync(
            _places[silo],
            CancellationToken.None,
            [
                $"--Ciuic:Ledger:KeyDirectory={LedgerKeyFiles.Make($"{folder}/keys")}", $"--Ciuic:Database:PostgreSql={database}", "--Ciuic:Database:CreateSchema=true",
                .. settings,
            ]);
    }
}
