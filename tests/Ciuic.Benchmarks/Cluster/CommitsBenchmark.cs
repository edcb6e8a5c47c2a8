using System.Globalization;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
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

    public static async Task RunAsync(ClusterPlan plan, string folder, BenchmarkReport report)
    {
        await using var postgres = await PostgresServer.StartAsync();
        var place = DemoPlace.Open(Path.Combine(folder, "silo"));
        await using var silo = await SiloProcess.StartAsync(
            place, CancellationToken.None,
            $"--Ciuic:Database:PostgreSql={await postgres.NewDatabaseAsync()}", "--Ciuic:Database:CreateSchema=true");
        var options = new ClientOptions { Gateways = [$"127.0.0.1:{place.GatewayPort}"] };
        await using var coordinator = new OrleansCoordinator(new OrleansConnection(options, NullLoggerFactory.Instance));
        await coordinator.ConnectAsync(CancellationToken.None);
        var savers = new List<Saver>();
        var store = StoreUri.Open(place.StoreUri);
        for (var run = 0; run < plan.Runs; run++)
            savers.Add(await Saver.OpenAsync(coordinator, store, $"run{run}"));
        if (plan.Parts.Contains(ClusterPart.Commits))
        {
            foreach (var callers in new[] { 1, plan.Runs })
                report.Add(await Load.RunAsync(Name, "commits", callers, plan.Length, caller => savers[caller].SaveAsync()));
        }

        if (plan.Parts.Contains(ClusterPart.Memory))
            await WatchMemoryAsync(plan, silo.Id, savers, report);
    }

    private static async Task WatchMemoryAsync(ClusterPlan plan, int silo, List<Saver> savers, BenchmarkReport report)
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

    /// <summary>What a trainer's delivery does for a save whose chunks are stored.</summary>
    private sealed class Saver(ICoordinator coordinator, IObjectStore store, RunId run, FencingToken token, ChunkRecord chunk)
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

        public long Commits { get; private set; }

        public static async Task<Saver> OpenAsync(ICoordinator coordinator, IObjectStore store, string name)
        {
            var request = new OpenRequest { Attempt = Guid.CreateVersion7(), Trainer = Samples.Trainer, TakeOverFrom = null };
            var reply = await coordinator.OpenAsync(RunId.Parse(name), request, CancellationToken.None);
            var content = ArrayTensor.Random("t", 4_096, 1).Content;
            using var chunks = new ChunkStore(store);
            await chunks.StoreAsync(ChunkId.Of(content), content, 0, CancellationToken.None);
            var chunk = new ChunkRecord { Id = ChunkId.Of(content), Length = content.Length };
            return new Saver(coordinator, store, RunId.Parse(name), reply.Lease.Token, chunk);
        }

        public async Task SaveAsync()
        {
            var begun = await coordinator.BeginAsync(run, token, CiuicCluster.Plan(Commits + 1), CancellationToken.None);
            var id = new SnapshotId(run, begun.Sequence!.Value);
            if (begun.Outcome == BeginOutcome.Begun)
            {
                var bytes = ManifestCodec.Encode(Shard(id));
                await store.CreateAsync(BucketLayout.Shard(id, new Rank(0)), bytes, CancellationToken.None);
                await coordinator.CompleteShardAsync(id, token, new Rank(0), ShardDigest.Of(bytes), CancellationToken.None);
            }

            while ((await coordinator.WaitAsync(id, Patience, CancellationToken.None))?.Link is null)
                await Task.Yield();
            Commits += begun.Outcome == BeginOutcome.Begun ? 1 : 0;
        }

        private ShardManifest Shard(SnapshotId id) => new()
        {
            Format = ShardManifest.CurrentFormat,
            Run = id.Run,
            Sequence = id.Sequence,
            Rank = new Rank(0),
            Tensors = [new TensorRecord { Item = "model", Name = "t", DType = DType.Float32, Shape = [4_096], Offset = 0, Length = chunk.Length }],
            Bytes = [],
            Chunks = [chunk],
        };
    }
}
