using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>What a trainer's delivery does for a save whose chunks are stored.</summary>
internal sealed class CommitSaver(ICoordinator coordinator, IObjectStore store, RunId run, FencingToken token, ChunkRecord chunk)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2); // as a trainer's: one wait is lost with the silo that was asked

    public long Commits { get; private set; }

    public static async Task<CommitSaver> OpenAsync(ICoordinator coordinator, IObjectStore store, string name)
    {
        var request = new OpenRequest { Attempt = Guid.CreateVersion7(), Trainer = Samples.Trainer, TakeOverFrom = null };
        var reply = await coordinator.OpenAsync(RunId.Parse(name), request, CancellationToken.None);
        var content = ArrayTensor.Random("t", 4_096, 1).Content;
        using var chunks = new ChunkStore(store);
        await chunks.StoreAsync(ChunkId.Of(content), content, 0, CancellationToken.None);
        var chunk = new ChunkRecord { Id = ChunkId.Of(content), Length = content.Length };
        return new CommitSaver(coordinator, store, RunId.Parse(name), reply.Lease.Token, chunk);
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
