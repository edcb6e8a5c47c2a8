using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>Who knows which snapshot comes before which: the cluster, or the bucket when there is none.</summary>
internal abstract class ChainSource
{
    /// <summary>The snapshot to resume from; null where there is none.</summary>
    public abstract SnapshotLink? Head { get; }

    /// <summary>The snapshot before this one on its branch.</summary>
    public abstract Task<SnapshotLink?> ParentAsync(SnapshotLink snapshot, CancellationToken cancel);

    public static ChainSource FromCluster(RunId run, SnapshotLink? head, ICoordinator coordinator) =>
        new Cluster(run, head, coordinator);

    public static async Task<ChainSource> FromBucketAsync(
        RunId run, LedgerWatch ledger, TreeHead? known, CancellationToken cancel) =>
        new Bucket(await ledger.ReadAsync(run, known, cancel));

    private sealed class Cluster(RunId run, SnapshotLink? head, ICoordinator coordinator) : ChainSource
    {
        public override SnapshotLink? Head => head;

        public override async Task<SnapshotLink?> ParentAsync(SnapshotLink snapshot, CancellationToken cancel) =>
            (await coordinator.GetAsync(new SnapshotId(run, snapshot.Sequence), cancel))?.Order.Parent;
    }

    private sealed class Bucket(RunHistory? history) : ChainSource
    {
        public override SnapshotLink? Head => history?.Head;

        public override Task<SnapshotLink?> ParentAsync(SnapshotLink snapshot, CancellationToken cancel) =>
            Task.FromResult(history?.Find(snapshot.Sequence)?.Parent);
    }
}
