using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>Who knows which snapshot comes before which: the cluster, or the bucket when there is none.</summary>
internal abstract class ChainSource
{
    /// <summary>The snapshot to resume from; null where there is none.</summary>
    public abstract SnapshotLink? Head { get; }

    /// <summary>The snapshot before this one on its branch.</summary>
    public abstract Task<SnapshotLink?> ParentAsync(SnapshotLink snapshot, CancellationToken cancel);

    /// <summary>Makes sure that the ledger in the bucket says that a snapshot was committed.</summary>
    /// <exception cref="CorruptException">It does not: whoever named the snapshot is wrong.</exception>
    public abstract Task RequireCommittedAsync(SnapshotLink snapshot, CancellationToken cancel);

    public static ChainSource FromCluster(
        RunId run, SnapshotLink? head, ICoordinator coordinator, LedgerWatch ledger, TreeHead? known) =>
        new Cluster(run, head, coordinator, ledger, known);

    public static async Task<ChainSource> FromBucketAsync(
        RunId run, LedgerWatch ledger, TreeHead? known, CancellationToken cancel) =>
        new Bucket(await ledger.ReadAsync(run, known, cancel));

    private sealed class Cluster(RunId run, SnapshotLink? head, ICoordinator coordinator, LedgerWatch ledger, TreeHead? known)
        : ChainSource
    {
        private ChainSource? _bucket;

        public override SnapshotLink? Head => head;

        public override async Task<SnapshotLink?> ParentAsync(SnapshotLink snapshot, CancellationToken cancel)
        {
            try
            {
                return (await coordinator.GetAsync(new SnapshotId(run, snapshot.Sequence), cancel))?.Order.Parent;
            }
            catch (UnavailableException)
            {
                return await (await BucketAsync(cancel)).ParentAsync(snapshot, cancel);
            }
        }

        public override async Task RequireCommittedAsync(SnapshotLink snapshot, CancellationToken cancel)
        {
            LedgerPosition? position;
            try
            {
                position = (await coordinator.GetAsync(new SnapshotId(run, snapshot.Sequence), cancel))?.Position;
            }
            catch (UnavailableException)
            {
                await (await BucketAsync(cancel)).RequireCommittedAsync(snapshot, cancel);
                return;
            }

            await ledger.RequireRecordAsync(run, snapshot, position, cancel);
        }

        /// <summary>The silo that was there when the run was opened has gone; the bucket knows the same.</summary>
        private async Task<ChainSource> BucketAsync(CancellationToken cancel) =>
            _bucket ??= await FromBucketAsync(run, ledger, known, cancel);
    }

    private sealed class Bucket(RunHistory? history) : ChainSource
    {
        public override SnapshotLink? Head => history?.Head;

        public override Task<SnapshotLink?> ParentAsync(SnapshotLink snapshot, CancellationToken cancel) =>
            Task.FromResult(history?.Find(snapshot.Sequence)?.Parent);

        public override Task RequireCommittedAsync(SnapshotLink snapshot, CancellationToken cancel) =>
            history?.Find(snapshot.Sequence)?.Link == snapshot
                ? Task.CompletedTask
                : throw new CorruptException($"no record in the ledger commits snapshot #{snapshot.Sequence} with the digest {snapshot.Manifest}");
    }
}
