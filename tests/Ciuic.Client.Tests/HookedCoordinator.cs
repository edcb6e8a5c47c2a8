using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Client.Tests;

/// <summary>A coordinator some of whose answers are late, lost or wrong.</summary>
internal sealed class HookedCoordinator(ICoordinator inner) : ICoordinator
{
    public Func<Func<Task<OpenReply>>, Task<OpenReply>> OnOpen { get; set; } = next => next();

    public Func<Func<Task<RollbackReply>>, Task<RollbackReply>> OnRollback { get; set; } = next => next();

    public Func<Func<Task<BeginReply>>, Task<BeginReply>> OnBegin { get; set; } = next => next();

    public Func<Func<Task<ShardReply>>, Task<ShardReply>> OnComplete { get; set; } = next => next();

    public Func<Func<Task<SnapshotView?>>, CancellationToken, Task<SnapshotView?>> OnWait { get; set; } = (next, _) => next();

    public Func<Func<Task<LeaseReply>>, Task<LeaseReply>> OnRenew { get; set; } = next => next();

    public Func<SnapshotView?, SnapshotView?> OnGet { get; set; } = view => view;

    public Func<long, long, long> OnWaitEvent { get; set; } = (_, answer) => answer;

    public Task ConnectAsync(CancellationToken cancel) => inner.ConnectAsync(cancel);

    public Task<BucketView?> DescribeBucketAsync(CancellationToken cancel) => inner.DescribeBucketAsync(cancel);

    public Task<OpenReply> OpenAsync(RunId run, OpenRequest request, CancellationToken cancel) =>
        OnOpen(() => inner.OpenAsync(run, request, cancel));

    public Task<LeaseReply> RenewAsync(RunId run, FencingToken token, CancellationToken cancel) =>
        OnRenew(() => inner.RenewAsync(run, token, cancel));

    public Task<LeaseReply> CloseAsync(RunId run, FencingToken token, RankProcess member, CancellationToken cancel) =>
        inner.CloseAsync(run, token, member, cancel);

    public Task<IReadOnlyList<ScrubView>> DescribeScrubsAsync(CancellationToken cancel) => inner.DescribeScrubsAsync(cancel);

    public async Task<long> WaitEventAsync(RunId run, long number, TimeSpan patience, CancellationToken cancel) =>
        OnWaitEvent(number, await inner.WaitEventAsync(run, number, patience, cancel));

    public Task<ReadyReply> ReadyAsync(
        RunId run, FencingToken token, RankProcess member, SnapshotLink? restored, CancellationToken cancel) =>
        inner.ReadyAsync(run, token, member, restored, cancel);

    public Task AbandonShardAsync(SnapshotId snapshot, FencingToken token, Rank rank, string reason, CancellationToken cancel) =>
        inner.AbandonShardAsync(snapshot, token, rank, reason, cancel);

    public Task<BeginReply> BeginAsync(RunId run, FencingToken token, SnapshotPlan plan, CancellationToken cancel) =>
        OnBegin(() => inner.BeginAsync(run, token, plan, cancel));

    public Task<ShardReply> CompleteShardAsync(
        SnapshotId snapshot, FencingToken token, Rank rank, ShardDigest shard, CancellationToken cancel) =>
        OnComplete(() => inner.CompleteShardAsync(snapshot, token, rank, shard, cancel));

    public Task<SnapshotView?> WaitAsync(SnapshotId snapshot, TimeSpan patience, CancellationToken cancel) =>
        OnWait(() => inner.WaitAsync(snapshot, patience, cancel), cancel);

    public Task<bool> WaitFinalAsync(SnapshotId snapshot, TimeSpan patience, CancellationToken cancel) =>
        inner.WaitFinalAsync(snapshot, patience, cancel);

    public async Task<SnapshotView?> GetAsync(SnapshotId snapshot, CancellationToken cancel) =>
        OnGet(await inner.GetAsync(snapshot, cancel));

    public Task<SnapshotPage> ListSnapshotsAsync(RunId run, long from, int limit, CancellationToken cancel) =>
        inner.ListSnapshotsAsync(run, from, limit, cancel);

    public Task<RunView?> DescribeAsync(RunId run, CancellationToken cancel) => inner.DescribeAsync(run, cancel);

    public Task<RunEvent[]> ReadEventsAsync(RunId run, long from, int limit, CancellationToken cancel) =>
        inner.ReadEventsAsync(run, from, limit, cancel);

    public Task<RollbackReply> RollbackAsync(RunId run, RollbackRequest request, CancellationToken cancel) =>
        OnRollback(() => inner.RollbackAsync(run, request, cancel));

    public Task<MarkReply> MarkAsync(RunId run, MarkRequest request, CancellationToken cancel) => inner.MarkAsync(run, request, cancel);

    public Task<LedgerView> DescribeLedgerAsync(string ledger, CancellationToken cancel) => inner.DescribeLedgerAsync(ledger, cancel);

    public Task<VerifierKey> PrepareKeyAsync(string ledger, KeyRole role, CancellationToken cancel) =>
        inner.PrepareKeyAsync(ledger, role, cancel);

    public Task<LedgerView> RotateAsync(
        string ledger, KeyRole role, VerifierKey to, string actor, string reason, CancellationToken cancel) =>
        inner.RotateAsync(ledger, role, to, actor, reason, cancel);

    public Task StartRebuildAsync(string ledger, TreeHead? known, CancellationToken cancel) => inner.StartRebuildAsync(ledger, known, cancel);

    public Task<RebuildView> DescribeRebuildAsync(string ledger, CancellationToken cancel) => inner.DescribeRebuildAsync(ledger, cancel);

    public Task AddKeyAsync(ApiKeyRecord key, CancellationToken cancel) => inner.AddKeyAsync(key, cancel);

    public Task<bool> RevokeKeyAsync(string id, CancellationToken cancel) => inner.RevokeKeyAsync(id, cancel);

    public Task<IReadOnlyList<ApiKeyRecord>> ListKeysAsync(CancellationToken cancel) => inner.ListKeysAsync(cancel);

    public Task<IReadOnlyList<RunId>> ListRunsAsync(CancellationToken cancel) => inner.ListRunsAsync(cancel);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
