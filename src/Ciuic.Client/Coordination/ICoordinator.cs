using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>
/// What trainers and tools ask of the cluster. Every call may be repeated with the same arguments after an
/// <see cref="UnavailableException"/>: its outcome is unknown then, and the answer to the repetition is the truth.
/// </summary>
internal interface ICoordinator : IAsyncDisposable
{
    /// <summary>Returns when the cluster can be asked.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; what kept it from connecting is inside, where that is known.</exception>
    Task ConnectAsync(CancellationToken cancel);

    /// <summary>What the cluster stands on; null where its release does not say.</summary>
    Task<BucketView?> DescribeBucketAsync(CancellationToken cancel);

    /// <inheritdoc cref="IRunGrain.OpenAsync"/>
    Task<OpenReply> OpenAsync(RunId run, OpenRequest request, CancellationToken cancel);

    /// <inheritdoc cref="IRunGrain.RenewAsync"/>
    Task<LeaseReply> RenewAsync(RunId run, FencingToken token, CancellationToken cancel);

    /// <inheritdoc cref="IRunGrain.CloseAsync"/>
    Task<LeaseReply> CloseAsync(RunId run, FencingToken token, RankProcess member, CancellationToken cancel);

    /// <inheritdoc cref="IRunGrain.ReadyAsync"/>
    Task<ReadyReply> ReadyAsync(
        RunId run, FencingToken token, RankProcess member, SnapshotLink? restored, CancellationToken cancel);

    /// <inheritdoc cref="IRunGrain.BeginSnapshotAsync"/>
    Task<BeginReply> BeginAsync(RunId run, FencingToken token, SnapshotPlan plan, CancellationToken cancel);

    /// <inheritdoc cref="ISnapshotGrain.CompleteShardAsync"/>
    Task<ShardReply> CompleteShardAsync(
        SnapshotId snapshot, FencingToken token, Rank rank, ShardDigest shard, CancellationToken cancel);

    /// <inheritdoc cref="ISnapshotGrain.AbandonShardAsync"/>
    Task AbandonShardAsync(SnapshotId snapshot, FencingToken token, Rank rank, string reason, CancellationToken cancel);

    /// <inheritdoc cref="ISnapshotGrain.WaitAsync"/>
    Task<SnapshotView?> WaitAsync(SnapshotId snapshot, TimeSpan patience, CancellationToken cancel);

    /// <inheritdoc cref="ISnapshotGrain.WaitFinalAsync"/>
    Task<bool> WaitFinalAsync(SnapshotId snapshot, TimeSpan patience, CancellationToken cancel);

    /// <summary>A snapshot by its place; null where it was never begun.</summary>
    Task<SnapshotView?> GetAsync(SnapshotId snapshot, CancellationToken cancel);

    /// <inheritdoc cref="ISnapshotListGrain.ListAsync"/>
    Task<SnapshotPage> ListSnapshotsAsync(RunId run, long from, int limit, CancellationToken cancel);

    /// <summary>A run; null where it was never opened.</summary>
    Task<RunView?> DescribeAsync(RunId run, CancellationToken cancel);

    /// <inheritdoc cref="IRunGrain.ReadEventsAsync"/>
    Task<RunEvent[]> ReadEventsAsync(RunId run, long from, int limit, CancellationToken cancel);

    /// <inheritdoc cref="IRunGrain.WaitEventAsync"/>
    Task<long> WaitEventAsync(RunId run, long number, TimeSpan patience, CancellationToken cancel);

    /// <inheritdoc cref="IRunGrain.RollbackAsync"/>
    Task<RollbackReply> RollbackAsync(RunId run, RollbackRequest request, CancellationToken cancel);

    /// <inheritdoc cref="IRunGrain.MarkAsync"/>
    Task<MarkReply> MarkAsync(RunId run, MarkRequest request, CancellationToken cancel);

    /// <inheritdoc cref="ILedgerGrain.DescribeAsync"/>
    Task<LedgerView> DescribeLedgerAsync(string ledger, CancellationToken cancel);

    /// <inheritdoc cref="ILedgerGrain.PrepareKeyAsync"/>
    Task<VerifierKey> PrepareKeyAsync(string ledger, KeyRole role, CancellationToken cancel);

    /// <inheritdoc cref="ILedgerGrain.RotateAsync"/>
    Task<LedgerView> RotateAsync(string ledger, KeyRole role, VerifierKey to, string actor, string reason, CancellationToken cancel);

    /// <inheritdoc cref="IRebuildGrain.StartAsync"/>
    Task StartRebuildAsync(string ledger, TreeHead? known, CancellationToken cancel);

    /// <inheritdoc cref="IRebuildGrain.DescribeAsync"/>
    Task<RebuildView> DescribeRebuildAsync(string ledger, CancellationToken cancel);

    /// <summary>How far the scrubs of all shelves are.</summary>
    Task<IReadOnlyList<ScrubView>> DescribeScrubsAsync(CancellationToken cancel);

    /// <inheritdoc cref="IAccessGrain.AddAsync"/>
    Task AddKeyAsync(ApiKeyRecord key, CancellationToken cancel);

    /// <inheritdoc cref="IAccessGrain.RevokeAsync"/>
    Task<bool> RevokeKeyAsync(string id, CancellationToken cancel);

    /// <summary>All keys of the HTTP API, ended ones too.</summary>
    Task<IReadOnlyList<ApiKeyRecord>> ListKeysAsync(CancellationToken cancel);

    /// <summary>All runs, by name.</summary>
    Task<IReadOnlyList<RunId>> ListRunsAsync(CancellationToken cancel);
}
