using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>Asks the grains through an Orleans client; foreign exceptions become Ciuic's.</summary>
internal sealed class OrleansCoordinator(IClusterConnection connection) : ICoordinator
{
    /// <summary>
    /// How long a call may take that only looks at a grain's state or changes it. One that was on its way to a silo that has died is
    /// answered by nobody, and Orleans waits half a minute for it; asked again, it goes to another silo.
    /// </summary>
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(5);

    /// <summary>How much longer than its patience a wait may take; asked again too early, it costs nothing.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(2);

    public Task ConnectAsync(CancellationToken cancel) => connection.ConnectAsync(cancel);

    public Task<BucketView?> DescribeBucketAsync(CancellationToken cancel) => AskAsync(DescribeBucketAsync, Short, cancel);

    public Task<OpenReply> OpenAsync(RunId run, OpenRequest request, CancellationToken cancel) =>
        AskAsync(c => Run(c, run).OpenAsync(request), cancel);

    public Task<LeaseReply> RenewAsync(RunId run, FencingToken token, CancellationToken cancel) =>
        AskAsync(c => Run(c, run).RenewAsync(token), Short, cancel);

    public Task<LeaseReply> CloseAsync(RunId run, FencingToken token, RankProcess member, CancellationToken cancel) =>
        AskAsync(c => Run(c, run).CloseAsync(token, member), Short, cancel);

    public Task<ReadyReply> ReadyAsync(
        RunId run, FencingToken token, RankProcess member, SnapshotLink? restored, CancellationToken cancel) =>
        AskAsync(c => Run(c, run).ReadyAsync(token, member, restored), Short, cancel);

    public Task<BeginReply> BeginAsync(
        RunId run, FencingToken token, SnapshotPlan plan, CancellationToken cancel) =>
        AskAsync(c => Run(c, run).BeginSnapshotAsync(token, plan), Short, cancel);

    public Task<ShardReply> CompleteShardAsync(
        SnapshotId snapshot, FencingToken token, Rank rank, ShardDigest shard, CancellationToken cancel) =>
        AskAsync(c => Snapshot(c, snapshot).CompleteShardAsync(token, rank, shard), Short, cancel);

    public Task AbandonShardAsync(
        SnapshotId snapshot, FencingToken token, Rank rank, string reason, CancellationToken cancel) => AskAsync(
        async c =>
        {
            await Snapshot(c, snapshot).AbandonShardAsync(token, rank, reason);
            return true;
        },
        Short,
        cancel);

    public Task<SnapshotView?> WaitAsync(SnapshotId snapshot, TimeSpan patience, CancellationToken cancel) =>
        AskAsync(c => Snapshot(c, snapshot).WaitAsync(patience), patience + Margin, cancel);

    public Task<bool> WaitFinalAsync(SnapshotId snapshot, TimeSpan patience, CancellationToken cancel) =>
        AskAsync(c => Snapshot(c, snapshot).WaitFinalAsync(patience), patience + Margin, cancel);

    public Task<SnapshotView?> GetAsync(SnapshotId snapshot, CancellationToken cancel) =>
        AskAsync(c => Snapshot(c, snapshot).GetAsync(), Short, cancel);

    public Task<SnapshotPage> ListSnapshotsAsync(RunId run, long from, int limit, CancellationToken cancel) =>
        AskAsync(c => c.GetGrain<ISnapshotListGrain>(run.Value).ListAsync(from, limit), cancel);

    public Task<RunView?> DescribeAsync(RunId run, CancellationToken cancel) =>
        AskAsync(c => Run(c, run).DescribeAsync(), Short, cancel);

    public Task<RunEvent[]> ReadEventsAsync(RunId run, long from, int limit, CancellationToken cancel) =>
        AskAsync(c => Run(c, run).ReadEventsAsync(from, limit), Short, cancel);

    public Task<long> WaitEventAsync(RunId run, long number, TimeSpan patience, CancellationToken cancel) =>
        AskAsync(c => Run(c, run).WaitEventAsync(number, patience), patience + Margin, cancel);

    public Task<RollbackReply> RollbackAsync(RunId run, RollbackRequest request, CancellationToken cancel) =>
        AskAsync(c => Run(c, run).RollbackAsync(request), cancel);

    public Task<MarkReply> MarkAsync(RunId run, MarkRequest request, CancellationToken cancel) =>
        AskAsync(c => Run(c, run).MarkAsync(request), cancel);

    public Task<LedgerView> DescribeLedgerAsync(string ledger, CancellationToken cancel) =>
        AskAsync(c => Ledger(c, ledger).DescribeAsync(), cancel);

    public Task<VerifierKey> PrepareKeyAsync(string ledger, KeyRole role, CancellationToken cancel) =>
        AskAsync(c => Ledger(c, ledger).PrepareKeyAsync(role), cancel);

    public Task<LedgerView> RotateAsync(
        string ledger, KeyRole role, VerifierKey to, string actor, string reason, CancellationToken cancel) =>
        AskAsync(c => Ledger(c, ledger).RotateAsync(role, to, actor, reason), cancel);

    public Task StartRebuildAsync(string ledger, TreeHead? known, CancellationToken cancel) => AskAsync(
        async c =>
        {
            await c.GetGrain<IRebuildGrain>(ledger).StartAsync(known);
            return true;
        },
        cancel);

    public Task<RebuildView> DescribeRebuildAsync(string ledger, CancellationToken cancel) =>
        AskAsync(c => c.GetGrain<IRebuildGrain>(ledger).DescribeAsync(), cancel);

    public async Task<IReadOnlyList<ScrubView>> DescribeScrubsAsync(CancellationToken cancel) => await AskAsync(
        c => Task.WhenAll(Enumerable.Range(0, ICatalogueGrain.Shelves)
            .Select(shelf => c.GetGrain<IScrubGrain>(shelf).DescribeAsync())),
        cancel);

    public Task AddKeyAsync(ApiKeyRecord key, CancellationToken cancel) => AskAsync(
        async c =>
        {
            await Access(c).AddAsync(key);
            return true;
        },
        Short,
        cancel);

    public Task<bool> RevokeKeyAsync(string id, CancellationToken cancel) => AskAsync(c => Access(c).RevokeAsync(id), Short, cancel);

    public async Task<IReadOnlyList<ApiKeyRecord>> ListKeysAsync(CancellationToken cancel) =>
        (await AskAsync(c => Access(c).DescribeAsync(), Short, cancel)).Keys;

    public async Task<IReadOnlyList<RunId>> ListRunsAsync(CancellationToken cancel)
    {
        var shelves = await AskAsync(
            c => Task.WhenAll(Enumerable.Range(0, ICatalogueGrain.Shelves)
                .Select(shelf => c.GetGrain<ICatalogueGrain>(shelf).ListAsync())),
            cancel);
        return shelves.SelectMany(runs => runs).OrderBy(run => run.Value, StringComparer.Ordinal).ToList();
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    /// <summary>Asks something that takes its time.</summary>
    private Task<T> AskAsync<T>(Func<IGrainFactory, Task<T>> ask, CancellationToken cancel) =>
        AskAsync(ask, Timeout.InfiniteTimeSpan, cancel);

    private async Task<T> AskAsync<T>(Func<IGrainFactory, Task<T>> ask, TimeSpan limit, CancellationToken cancel)
    {
        try
        {
            var grains = connection.Grains
                ?? throw new UnavailableException($"No silo answers at {connection.Address}.");
            return await ask(grains).WaitAsync(limit, cancel);
        }
        catch (Exception error) when (error is not CiuicException && !(error is OperationCanceledException && cancel.IsCancellationRequested))
        {
            // Time-outs, rejections, lost connections and what was cancelled over there alike: the outcome is unknown, asking
            // again is safe.
            throw new UnavailableException($"The cluster does not answer: {error.Message}", error);
        }
    }

    private static async Task<BucketView?> DescribeBucketAsync(IGrainFactory grains)
    {
        IBucketGrain bucket;
        try
        {
            bucket = grains.GetGrain<IBucketGrain>(0);
        }
        catch (ArgumentException)
        {
            return null; // no silo of this cluster knows the interface: they are of an older release
        }

        return await bucket.DescribeAsync();
    }

    private static IAccessGrain Access(IGrainFactory grains) => grains.GetGrain<IAccessGrain>(IAccessGrain.Key);

    private static IRunGrain Run(IGrainFactory grains, RunId run) => grains.GetGrain<IRunGrain>(run.Value);

    private static ILedgerGrain Ledger(IGrainFactory grains, string ledger) => grains.GetGrain<ILedgerGrain>(ledger);

    private static ISnapshotGrain Snapshot(IGrainFactory grains, SnapshotId snapshot) =>
        grains.GetGrain<ISnapshotGrain>(snapshot.ToString());
}
