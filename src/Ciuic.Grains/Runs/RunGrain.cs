using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciuic.Grains;

/// <summary>
/// One run. Not reentrant: a call sees the state the call before left. It may wait for its snapshots, because
/// what it asks of them never waits for it (see <see cref="ISnapshotGrain.SettleAsync"/>).
/// </summary>
internal sealed class RunGrain(
    [PersistentState("run", Persistence.Provider)] IPersistentState<RunState> state,
    IOptions<RunOptions> options,
    IOptions<LedgerOptions> ledger,
    TimeProvider time,
    ILogger<RunGrain> logger) : Grain, IRunGrain
{
    private readonly RunEventFeed _feed = new(logger);

    private RunId Id => RunId.Parse(this.GetPrimaryKeyString());

    private RunState Run => state.State;

    private DateTimeOffset Now => time.GetUtcNow();

    public async Task<OpenReply> OpenAsync(OpenRequest request)
    {
        await FinishRollbackAsync();
        if (!Run.MayOpen(request, Now))
        {
            logger.Refused(Id, request.Trainer, Run.Lease!.ExpiresAt);
            return Reply(granted: false);
        }

        if (Run.LastEvent == 0)
            await GrainFactory.GetGrain<ICatalogueGrain>(ICatalogueGrain.ShelfOf(Id)).AddAsync(Id);
        // The same attempt asking again has not lost its snapshot in flight; a new one must know how it ended.
        if (Run.Lease?.Attempt != request.Attempt)
            await SettlePendingAsync($"a new attempt was opened by {request.Trainer}");
        await SaveAsync(Run.Open(Id, request, Now, options.Value.LeaseDuration));
        logger.Opened(Id, request.Trainer, Run.Token);
        return Reply(granted: true);
    }

    public async Task<LeaseReply> RenewAsync(FencingToken token)
    {
        if (!Holds(token))
            return LeaseReply.Fenced;
        await SaveAsync(Run.Renew(Now, options.Value.LeaseDuration));
        return LeaseReply.Held;
    }

    public async Task<LeaseReply> CloseAsync(FencingToken token)
    {
        if (!Holds(token))
            return LeaseReply.Fenced;
        await SaveAsync(Run.Close(Id, Now));
        return LeaseReply.Held;
    }

    public async Task<BeginReply> BeginSnapshotAsync(FencingToken token, SnapshotPlan plan)
    {
        if (!Holds(token))
            return new BeginReply(BeginOutcome.Fenced, null);
        SnapshotManifests.CheckPlan(plan);
        if (Run.Pending is { } other && other.Order.Plan.Step != plan.Step)
            return new BeginReply(BeginOutcome.Busy, other.Sequence);
        // Dying after this line leaves a sequence that was promised to nobody; the next Begin of the same step,
        // or the next attempt, finds it here and goes on with it or settles it.
        if (Run.Pending is null)
            await SaveAsync(Run.Begin(Id, plan, Now));
        var pending = Run.Pending!;
        await SnapshotOf(pending.Sequence).BeginAsync(pending.Order);
        return new BeginReply(BeginOutcome.Begun, pending.Sequence);
    }

    public Task OnCommittedAsync(SnapshotView snapshot) => EndAsync(snapshot);

    public Task OnAbortedAsync(SnapshotView snapshot) => EndAsync(snapshot);

    public async Task<RollbackReply> RollbackAsync(RollbackRequest request)
    {
        CheckReason(request);
        await FinishRollbackAsync();
        var target = await SnapshotOf(request.To).GetAsync();
        if (target?.Link is null)
            return new RollbackReply(RollbackOutcome.NotFound, Run.View(Id, Now));
        if (Run.LeaseIsLive(Now) && !request.FenceLiveAttempt)
            return new RollbackReply(RollbackOutcome.Leased, Run.View(Id, Now));
        await SettlePendingAsync($"the run was rolled back to #{request.To}");
        // Asking again after a lost answer finds the work done.
        if (Run.Head != target.Link)
            await DecideAndFinishAsync(target, request);
        return new RollbackReply(RollbackOutcome.Done, Run.View(Id, Now));
    }

    public async Task<RunView?> DescribeAsync()
    {
        if (Run.LastEvent == 0)
            return null;
        await FinishRollbackAsync();
        return Run.View(Id, Now);
    }

    public async Task<RunEvent[]> ReadEventsAsync(long from, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        ArgumentOutOfRangeException.ThrowIfNotEqual(limit is >= 1 and <= 1_000, true);
        await _feed.FlushAsync(this, Run);
        return await _feed.ReadAsync(this, Id, from, Math.Min(limit, Run.LastEvent - from + 1));
    }

    private bool Holds(FencingToken token) => Run.Lease is { } lease && lease.Token == token;

    private async Task EndAsync(SnapshotView snapshot)
    {
        var next = Run.End(snapshot, Now);
        if (ReferenceEquals(next, Run))
            return;
        await SaveAsync(next);
        if (snapshot.Link is not null)
            logger.HeadMoved(Id, snapshot.Sequence, snapshot.Order.Plan.Step);
    }

    private async Task SettlePendingAsync(string reason)
    {
        if (Run.Pending is { } pending)
            await EndAsync(await SnapshotOf(pending.Sequence).SettleAsync(pending.Order, reason));
    }

    private async Task DecideAndFinishAsync(SnapshotView target, RollbackRequest request)
    {
        var size = await Ledger.GetSizeAsync();
        // Dying after this line: the decision is stored, and whoever talks to the run next finishes it.
        await SaveAsync(Run.DecideRollback(target, request, size, Now));
        await FinishRollbackAsync();
    }

    private async Task FinishRollbackAsync()
    {
        if (Run.Rollback is not { } rollback)
            return;
        await Ledger.AppendAsync(rollback.Record, rollback.NotBefore);
        await SaveAsync(Run.FinishRollback(Id, Now));
        logger.HeadMoved(Id, rollback.Target.Sequence, rollback.TargetStep);
    }

    private async Task SaveAsync(RunState next)
    {
        await this.SaveAsync(state, _feed.DropFlushed(next));
        await _feed.FlushAsync(this, Run);
    }

    private static void CheckReason(RollbackRequest request)
    {
        if (request.Reason.Trim().Length == 0 || request.Reason.Length > LedgerRecord.MaxReasonLength)
        {
            throw new InvalidInputException(
                $"A rollback needs a reason of 1 to {LedgerRecord.MaxReasonLength} characters: it stays in the ledger.");
        }
    }

    private OpenReply Reply(bool granted) => new()
    {
        Granted = granted,
        Lease = Run.Lease!,
        Head = Run.Head,
        RenewEvery = options.Value.LeaseDuration / 3,
    };

    private ILedgerGrain Ledger => GrainFactory.GetGrain<ILedgerGrain>(ledger.Value.Name);

    private ISnapshotGrain SnapshotOf(Sequence sequence) =>
        GrainFactory.GetGrain<ISnapshotGrain>(new SnapshotId(Id, sequence).ToString());
}
