using System.Diagnostics;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>How fast one, two and four silos verify a snapshot on a store that takes 20 ms to answer.</summary>
internal static class VerificationBenchmark
{
    private const int Chunks = 1_600;
    private const int ChunkBytes = 32 << 10;

    public static async Task RunAsync(BenchmarkReport report)
    {
        double one = 0;
        foreach (var silos in new[] { 1, 2, 4 })
        {
            var rate = await MeasureAsync(silos);
            one = silos == 1 ? rate : one;
            report.Add(new Figure("verification, store with 20 ms", silos, rate, "MB/s", Note: $"{rate / one:0.00} of one silo's"));
        }
    }

    private static async Task<double> MeasureAsync(int silos)
    {
        var bucket = new MemoryObjectStore();
        var cluster = new CiuicCluster { Silos = silos, Bucket = new SlowStore(bucket, TimeSpan.FromMilliseconds(20)) };
        await cluster.InitializeAsync();
        try
        {
            var token = (await cluster.Run("slow").OpenAsync(CiuicCluster.Open())).Lease.Token;
            var rates = new List<double>();
            for (var step = 1; step <= 3; step++)
                rates.Add(await VerifyAsync(cluster, bucket, token, step));
            return rates.Max(); // the first one activates the verifiers
        }
        finally
        {
            await cluster.DisposeAsync();
        }
    }

    private static async Task<double> VerifyAsync(CiuicCluster cluster, MemoryObjectStore bucket, FencingToken token, long step)
    {
        var begun = await cluster.Run("slow").BeginSnapshotAsync(token, CiuicCluster.Plan(step));
        var id = new SnapshotId(RunId.Parse("slow"), begun.Sequence!.Value);
        using var buffers = new StagingBuffers(1L << 28);
        using var chunks = new ChunkStore(bucket);
        var item = new ItemState("model", [ArrayTensor.Random("t", Chunks * ChunkBytes / 4, (int)step)], [], []);
        var staged = StagedShard.Stage(buffers, [item], ChunkBytes);
        var uploader = new ShardUploader(chunks, new CodecOptions { Mode = CodecMode.Raw }, 8);
        var uploaded = await uploader.UploadAsync(staged, _ => { }, CancellationToken.None);
        var bytes = ManifestCodec.Encode(Samples.Shard(id.Run, id.Sequence.Value, staged, uploaded));
        await bucket.CreateAsync(BucketLayout.Shard(id, new Rank(0)), bytes, CancellationToken.None);
        var begin = Stopwatch.GetTimestamp();
        await cluster.Snapshot("slow", id.Sequence).CompleteShardAsync(token, new Rank(0), ShardDigest.Of(bytes));
        await cluster.SettledAsync("slow", id.Sequence);
        await cluster.QuietAsync("slow");
        return Chunks * (double)ChunkBytes / 1e6 / Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    /// <summary>Every answer comes late.</summary>
    private sealed class SlowStore(IObjectStore inner, TimeSpan delay) : IObjectStore
    {
        public string Location => inner.Location;

        public Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel) => LateAsync(() => inner.GetAsync(key, cancel));

        public Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel) =>
            LateAsync(() => inner.GetRangeAsync(key, offset, buffer, cancel));

        public Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel) => LateAsync(() => inner.GetLengthAsync(key, cancel));

        public Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
            LateAsync(() => inner.CreateAsync(key, content, cancel));

        public async Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel)
        {
            await Task.Delay(delay, cancel);
            await inner.PutAsync(key, content, cancel);
        }

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancel) => inner.ListAsync(prefix, cancel);

        public async Task DeleteAsync(ObjectKey key, CancellationToken cancel)
        {
            await Task.Delay(delay, cancel);
            await inner.DeleteAsync(key, cancel);
        }

        private async Task<T> LateAsync<T>(Func<Task<T>> ask)
        {
            await Task.Delay(delay);
            return await ask();
        }
    }
}
