using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>Several silos: what one has read is near when it is needed.</summary>
public sealed class VerifierPlacesTests : IAsyncLifetime
{
    private const string Run = "moved";
    private readonly CiuicCluster _cluster = new() { Silos = 3 };

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    [Fact]
    public async Task With_three_silos_a_difference_is_read_without_its_chain_as_with_one()
    {
        var token = (await _cluster.Run(Run).OpenAsync(CiuicCluster.Open())).Lease.Token;
        using var chunks = new ChunkStore(_cluster.Store);
        using var buffers = new StagingBuffers(1 << 28);
        var uploader = new ShardUploader(chunks, new CodecOptions { FullEvery = 100, MaxChain = 50 }, 2);
        var weights = ArrayTensor.Weights("w", 200_000, 1);
        for (var step = 1; step <= 6; step++)
        {
            var begun = await _cluster.Run(Run).BeginSnapshotAsync(token, CiuicCluster.Plan(step));
            var sequence = begun.Sequence!.Value;
            var staged = StagedShard.Stage(buffers, [new ItemState("model", [weights], [], [])], 64 << 10);
            var uploaded = await uploader.UploadAsync(staged, _ => { }, CancellationToken.None);
            buffers.Keep(staged.Arena);
            uploader.ContinueFrom(DeltaBases.Of(staged, uploaded));
            var shard = Samples.Shard(RunId.Parse(Run), sequence.Value, staged, uploaded);
            var bytes = ManifestCodec.Encode(shard);
            var key = BucketLayout.Shard(new SnapshotId(RunId.Parse(Run), sequence), new Rank(0));
            await _cluster.Store.CreateAsync(key, bytes, CancellationToken.None);
            _cluster.Store.Reads.Clear();
            await _cluster.Snapshot(Run, sequence).CompleteShardAsync(token, new Rank(0), ShardDigest.Of(bytes));
            Assert.Equal(SnapshotState.Committed, (await _cluster.SettledAsync(Run, sequence)).State);
            await _cluster.QuietAsync(Run);
            var read = _cluster.Store.Reads.ToArray().Count(r => !r.StartsWith("runs/", StringComparison.Ordinal) && !r.StartsWith("ledgers/", StringComparison.Ordinal));
            Assert.Equal(shard.Chunks.Count, read); // it was up to three times as many
            Assert.Equal(step > 1, shard.Bases is not null);
            weights = weights.Moved(step);
        }
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();
}
