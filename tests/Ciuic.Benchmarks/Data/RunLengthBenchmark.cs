using System.Diagnostics;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Grains;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>Whether a commit costs the same however long the run is: SQLite, file store, everything flushed.</summary>
internal sealed class RunLengthBenchmark(BenchmarkReport report)
{
    private const int Sample = 100;

    private static readonly int[] Lengths = [10, 1_000, 10_000];

    private static readonly RunId Run = RunId.Parse("long");

    public async Task RunAsync(string folder, CancellationToken cancel)
    {
        await using var silo = await LedgerSilo.StartAsync(Path.Combine(folder, "length"), TimeSpan.FromSeconds(1), LedgerTrust.Alone);
        var store = new FileObjectStore(Path.Combine(folder, "length", "bucket"));
        var (shard, token) = (await ShardAsync(store), await OpenAsync(silo));
        var committed = 0;
        foreach (var length in Lengths)
        {
            for (; committed < length; committed++)
                await CommitAsync(silo, store, token, shard, cancel);
            var latencies = new List<double>();
            for (var i = 0; i < Sample; i++, committed++)
                latencies.Add(await CommitAsync(silo, store, token, shard, cancel));
            report.Add(new Figure(
                $"commit after {length:#,0} snapshots", 1, Measured.Median(latencies) * 1_000, "ms", Note: "begin, shard, verify, ledger, head"));
        }
    }

    private static async Task<FencingToken> OpenAsync(LedgerSilo silo) =>
        (await silo.Grains.GetGrain<IRunGrain>(Run.Value).OpenAsync(CiuicCluster.Open())).Lease!.Token;

    /// <summary>A small shard: what is measured is the commit, not its bytes.</summary>
    private static async Task<ShardManifest> ShardAsync(FileObjectStore store)
    {
        using var buffers = new StagingBuffers(1 << 20);
        using var chunks = new ChunkStore(store);
        var staged = StagedShard.Stage(buffers, [new ItemState("model", [ArrayTensor.Random("t", 10_000, 1)], [], [])], 64 << 10);
        var uploaded = await new ShardUploader(chunks, new CodecOptions(), 1).UploadAsync(staged, _ => { }, CancellationToken.None);
        return Samples.Shard(Run, 1, staged, uploaded);
    }

    private static async Task<double> CommitAsync(
        LedgerSilo silo, FileObjectStore store, FencingToken token, ShardManifest shard, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var begin = Stopwatch.GetTimestamp();
        var begun = await silo.Grains.GetGrain<IRunGrain>(Run.Value).BeginSnapshotAsync(token, CiuicCluster.Plan(1));
        var id = new SnapshotId(Run, begun.Sequence!.Value);
        var bytes = ManifestCodec.Encode(shard with { Sequence = id.Sequence });
        await store.CreateAsync(BucketLayout.Shard(id, new Rank(0)), bytes, cancel);
        var snapshot = silo.Grains.GetGrain<ISnapshotGrain>(id.ToString());
        await snapshot.CompleteShardAsync(token, new Rank(0), ShardDigest.Of(bytes));
        while ((await snapshot.WaitAsync(TimeSpan.FromSeconds(5)))?.State is not SnapshotState.Committed)
            cancel.ThrowIfCancellationRequested();
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }
}
