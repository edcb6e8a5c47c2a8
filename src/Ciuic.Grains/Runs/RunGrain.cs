using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ciuic.Grains;

/// <summary>
/// One run. Not reentrant: a call sees the state the call before left. It may wait for its snapshots, because
/// what it asks of them never waits for it (see <see cref="ISnapshotGrain.SettleAsync"/>).
/// </summary>
internal sealed class RunGrain(
    [PersistentState("run", Persistence.Provider)] IPersistentState<RunState> state,
    IObjectStore store,
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
        await FinishRecordAsync();
        if (!Run.MayOpen(request, Now))
        {
            logger.Refused(Id, request.Trainer, Run.Lease!.ExpiresAt);
            return Reply(granted: false);
        }

        if (Run.LastEvent == 0)
            await RegisterAsync();
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

    public async Task OnReachedAsync(SnapshotView snapshot)
    {
        var next = Run.Reach(snapshot, snapshot.State, Now);
        if (!ReferenceEquals(next, Run))
            await SaveAsync(next);
    }

    public Task OnCommittedAsync(SnapshotView snapshot) => EndAsync(snapshot);

    public Task OnAbortedAsync(SnapshotView snapshot) => EndAsync(snapshot);

    public async Task<RollbackReply> RollbackAsync(RollbackRequest request)
    {
        RunDecisions.CheckReason("A rollback", request.Reason);
        await FinishRecordAsync();
        var target = await SnapshotOf(request.To).GetAsync();
        if (target?.Link is null)
            return new RollbackReply(RollbackOutcome.NotFound, Run.View(Id, Now));
        if (Run.LeaseIsLive(Now) && !request.FenceLiveAttempt)
            return new RollbackReply(RollbackOutcome.Leased, Run.View(Id, Now));
        await SettlePendingAsync($"the run was rolled back to #{request.To}");
        // Asking again after a lost answer finds the work done.
        if (Run.Head != target.Link)
        {
            var size = await Ledger.GetSizeAsync();
            await DecideAndFinishAsync(Run.DecideRollback(target, request, size, Now));
        }

        return new RollbackReply(RollbackOutcome.Done, Run.View(Id, Now));
    }

    public async Task<MarkReply> MarkAsync(MarkRequest request)
    {
        RunDecisions.CheckMark(request);
        await FinishRecordAsync();
        var target = await SnapshotOf(request.Sequence).GetAsync();
        if (target?.Link is null)
            return new MarkReply(MarkOutcome.NotFound, Run.View(Id, Now));
        if (!Run.HasRoomFor(request))
            return new MarkReply(MarkOutcome.TooMany, Run.View(Id, Now));
        if (!Run.IsMarked(request))
        {
            var size = await Ledger.GetSizeAsync();
            await DecideAndFinishAsync(Run.DecideMark(target, request, size, Now));
        }

        return new MarkReply(MarkOutcome.Done, Run.View(Id, Now));
    }

    public async Task<bool> RebuildAsync(RebuiltRun run)
    {
        if (Run.LastEvent > 0)
            return false;
        await Catalogue.AddAsync(Id);
        // Dying before this line: the run is unknown still, and the next rebuild comes by again.
        await SaveAsync(RunDecisions.Rebuilt(run));
        logger.Rebuilt(Id, run.Committed);
        return true;
    }

    public async Task<RunView?> DescribeAsync()
    {
        if (Run.LastEvent == 0)
            return null;
        await FinishRecordAsync();
        return Run.View(Id, Now);
    }

    public async Task<RunEvent[]> ReadEventsAsync(long from, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        ArgumentOutOfRangeException.ThrowIfNotEqual(limit is >= 1 and <= 1_000, true);
        await _feed.FlushAsync(this, Run);
        return await _feed.ReadAsync(this, Id, from, Math.Min(limit, Run.LastEvent - from + 1));
    }

    /// <summary>
    /// A run that is new to this database must be new to the bucket too: otherwise the database was lost, and numbers that
    /// were given before would be given again.
    /// </summary>
    private async Task RegisterAsync()
    {
        await foreach (var found in store.ListAsync(BucketLayout.RunPrefix(Id), CancellationToken.None))
        {
            throw new ConflictException(
                $"Run {Id} has snapshots in {store.Location} ({found.Key}) and is unknown to this silo's database: the database "
                + "was lost or is another one. 'ciuic rebuild' brings the run back from the bucket.");
        }

        await Catalogue.AddAsync(Id);
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

    private async Task DecideAndFinishAsync(RunState decided)
    {
        // Dying after this line: the decision is stored, and whoever talks to the run next finishes it.
        await SaveAsync(decided);
        await FinishRecordAsync();
    }

    private async Task FinishRecordAsync()
    {
        if (Run.Unfinished is not { } unfinished)
            return;
        await Ledger.AppendAsync(unfinished.Record, unfinished.NotBefore);
        await SaveAsync(Run.Finish(Id, Now));
        logger.Noted(Id, RunDecisions.EventOf(LedgerRecord.Decode(unfinished.Record).Kind), unfinished.Target.Sequence);
    }

    private async Task SaveAsync(RunState next)
    {
        await this.SaveAsync(state, _feed.DropFlushed(next));
        await _feed.FlushAsync(this, Run);
    }

    private OpenReply Reply(bool granted) => new()
    {
        Granted = granted,
        Lease = Run.Lease!,
        Head = Run.Head,
        RenewEvery = options.Value.LeaseDuration / 3,
    };

    private ICatalogueGrain Catalogue => GrainFactory.GetGrain<ICatalogueGrain>(ICatalogueGrain.ShelfOf(Id));

    private ILedgerGrain Ledger => GrainFactory.GetGrain<ILedgerGrain>(ledger.Value.Name);

    private ISnapshotGrain SnapshotOf(Sequence sequence) =>
        GrainFactory.GetGrain<ISnapshotGrain>(new SnapshotId(Id, sequence).ToString());
}
