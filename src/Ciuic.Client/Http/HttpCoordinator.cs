using System.Globalization;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>Asks the grains through a gateway.</summary>
internal sealed class HttpCoordinator(GatewayConnection gateway, TimeProvider time) : ICoordinator
{
    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(20);

    private static ApiJson Api => ApiJson.Default;

    public async Task ConnectAsync(CancellationToken cancel)
    {
        UnavailableException? why = null;
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await gateway.GetAsync("info", Api.ServerInfo, cancel);
                return;
            }
            catch (UnavailableException error) when (!GatewayConnection.IsOfTrust(error))
            {
                why = error;
                await Task.Delay(BetweenTries, time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                break;
            }
        }

        throw new OperationCanceledException(why?.Message, why, cancel);
    }

    public async Task<BucketView?> DescribeBucketAsync(CancellationToken cancel)
    {
        var info = await gateway.GetAsync("info", Api.ServerInfo, cancel);
        return new BucketView { Bucket = info.Bucket, Store = info.Store, Ledger = info.Ledger, Origin = info.Origin };
    }

    public Task<OpenReply> OpenAsync(RunId run, OpenRequest request, CancellationToken cancel) =>
        gateway.PostAsync($"runs/{run}/lease", request, Api.OpenRequest, Api.OpenReply, cancel, Long);

    public async Task<LeaseReply> RenewAsync(RunId run, FencingToken token, CancellationToken cancel) =>
        (await gateway.PostAsync($"runs/{run}/lease/renew", new RenewRequest(token), Api.RenewRequest, Api.LeaseAnswer, cancel)).Outcome;

    public async Task<LeaseReply> CloseAsync(RunId run, FencingToken token, RankProcess member, CancellationToken cancel) =>
        (await gateway.PostAsync($"runs/{run}/lease/close", new CloseRequest(token, member), Api.CloseRequest, Api.LeaseAnswer, cancel)).Outcome;

    public Task<ReadyReply> ReadyAsync(
        RunId run, FencingToken token, RankProcess member, SnapshotLink? restored, CancellationToken cancel) =>
        gateway.PostAsync($"runs/{run}/lease/ready", new ReadyRequest(token, member, restored), Api.ReadyRequest, Api.ReadyReply, cancel);

    public Task<BeginReply> BeginAsync(RunId run, FencingToken token, SnapshotPlan plan, CancellationToken cancel) =>
        gateway.PostAsync($"runs/{run}/snapshots", new BeginRequest(token, plan), Api.BeginRequest, Api.BeginReply, cancel);

    public async Task<ShardReply> CompleteShardAsync(
        SnapshotId snapshot, FencingToken token, Rank rank, ShardDigest shard, CancellationToken cancel) => (await gateway.PostAsync(
        $"{Of(snapshot)}/shards/{rank}/complete", new CompleteRequest(token, shard), Api.CompleteRequest, Api.ShardAnswer, cancel)).Outcome;

    public Task AbandonShardAsync(SnapshotId snapshot, FencingToken token, Rank rank, string reason, CancellationToken cancel) =>
        gateway.PostAsync($"{Of(snapshot)}/shards/{rank}/abandon", new AbandonRequest(token, reason), Api.AbandonRequest, cancel);

    public Task<SnapshotView?> WaitAsync(SnapshotId snapshot, TimeSpan patience, CancellationToken cancel) =>
        gateway.FindAsync($"{Of(snapshot)}?wait={Seconds(patience)}", Api.SnapshotView, cancel, patience);

    public async Task<bool> WaitFinalAsync(SnapshotId snapshot, TimeSpan patience, CancellationToken cancel) =>
        (await gateway.GetAsync($"{Of(snapshot)}/final?wait={Seconds(patience)}", Api.FinalAnswer, cancel, patience)).IsFinal;

    public Task<SnapshotView?> GetAsync(SnapshotId snapshot, CancellationToken cancel) =>
        gateway.FindAsync(Of(snapshot), Api.SnapshotView, cancel);

    public async Task<SnapshotPage> ListSnapshotsAsync(RunId run, long from, int limit, CancellationToken cancel)
    {
        var at = from == long.MaxValue ? "" : string.Create(CultureInfo.InvariantCulture, $"&cursor={from}");
        var page = await gateway.GetAsync(
            string.Create(CultureInfo.InvariantCulture, $"runs/{run}/snapshots?limit={limit}{at}"), Api.ApiPageSnapshotView, cancel);
        return new SnapshotPage(page.Items, page.Next is null ? 0 : long.Parse(page.Next, CultureInfo.InvariantCulture));
    }

    public Task<RunView?> DescribeAsync(RunId run, CancellationToken cancel) => gateway.FindAsync($"runs/{run}", Api.RunView, cancel);

    public async Task<RunEvent[]> ReadEventsAsync(RunId run, long from, int limit, CancellationToken cancel) =>
        (await gateway.GetAsync(
            string.Create(CultureInfo.InvariantCulture, $"runs/{run}/events?cursor={from}&limit={limit}"), Api.ApiPageRunEvent, cancel)).Items;

    public async Task<long> WaitEventAsync(RunId run, long number, TimeSpan patience, CancellationToken cancel) =>
        (await gateway.GetAsync(
            string.Create(CultureInfo.InvariantCulture, $"runs/{run}/events/newest?number={number}&wait={Seconds(patience)}"),
            Api.EventsAnswer, cancel, patience)).Newest;

    public Task<RollbackReply> RollbackAsync(RunId run, RollbackRequest request, CancellationToken cancel) =>
        gateway.PostAsync($"runs/{run}/rollback", request, Api.RollbackRequest, Api.RollbackReply, cancel, Long);

    public Task<MarkReply> MarkAsync(RunId run, MarkRequest request, CancellationToken cancel) =>
        gateway.PostAsync($"runs/{run}/marks", request, Api.MarkRequest, Api.MarkReply, cancel, Long);

    public Task<LedgerView> DescribeLedgerAsync(string ledger, CancellationToken cancel) =>
        gateway.GetAsync($"ledgers/{ledger}", Api.LedgerView, cancel);

    public async Task<VerifierKey> PrepareKeyAsync(string ledger, KeyRole role, CancellationToken cancel) =>
        (await gateway.PostAsync($"ledgers/{ledger}/keys/{role.Name()}", Api.KeyAnswer, cancel)).Key;

    public Task<LedgerView> RotateAsync(
        string ledger, KeyRole role, VerifierKey to, string actor, string reason, CancellationToken cancel) => gateway.PostAsync(
        $"ledgers/{ledger}/keys/{role.Name()}/rotate", new RotateRequest(to, actor, reason), Api.RotateRequest, Api.LedgerView, cancel, Long);

    public Task StartRebuildAsync(string ledger, TreeHead? known, CancellationToken cancel) =>
        gateway.PostAsync($"ledgers/{ledger}/rebuild", new RebuildRequest(known), Api.RebuildRequest, cancel);

    public Task<RebuildView> DescribeRebuildAsync(string ledger, CancellationToken cancel) =>
        gateway.GetAsync($"ledgers/{ledger}/rebuild", Api.RebuildView, cancel);

    public async Task<IReadOnlyList<ScrubView>> DescribeScrubsAsync(CancellationToken cancel) =>
        (await gateway.GetAsync("scrubs", Api.ApiPageScrubView, cancel)).Items;

    public Task AddKeyAsync(ApiKeyRecord key, CancellationToken cancel) => gateway.PostAsync("keys", key, Api.ApiKeyRecord, cancel);

    public async Task<bool> RevokeKeyAsync(string id, CancellationToken cancel)
    {
        try
        {
            await gateway.PostAsync($"keys/{id}/revoke", cancel);
            return true;
        }
        catch (NotFoundException)
        {
            return false;
        }
    }

    public async Task<IReadOnlyList<ApiKeyRecord>> ListKeysAsync(CancellationToken cancel) =>
        (await gateway.GetAsync("keys", Api.ApiPageApiKeyRecord, cancel)).Items;

    public async Task<IReadOnlyList<RunId>> ListRunsAsync(CancellationToken cancel) =>
        (await gateway.GetAsync("run-names", Api.ApiPageRunId, cancel)).Items;

    public ValueTask DisposeAsync()
    {
        gateway.Dispose();
        return ValueTask.CompletedTask;
    }

    private static string Of(SnapshotId snapshot) => $"runs/{snapshot.Run}/snapshots/{snapshot.Sequence}";

    /// <summary>A gateway waits for so long at most; whoever wants to wait longer asks again.</summary>
    private static string Seconds(TimeSpan patience) =>
        ((int)Math.Ceiling((patience < MaxWait ? patience : MaxWait).TotalSeconds)).ToString(CultureInfo.InvariantCulture);
}
