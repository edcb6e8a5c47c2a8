using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Runtime;

namespace Ciuic.Grains;

/// <summary>
/// One run. Not reentrant: a call sees the state the call before left. It may wait for its snapshots, because
/// what it asks of them never waits for it (see <see cref="ISnapshotGrain.SettleAsync"/>). While it is trained, a reminder looks
/// after the snapshot in flight: whatever dies, it is finished or aborted even if nobody calls again.
/// </summary>
internal sealed partial class RunGrain(
    [PersistentState(RunGrain.StateName, Persistence.Provider)] IPersistentState<RunState> state,
    IObjectStore store,
    IOptions<RunOptions> options,
    IOptions<LedgerOptions> ledger,
    Draining draining,
    TimeProvider time,
    ILogger<RunGrain> logger) : Grain, IRunGrain, IRemindable, IIncomingGrainCallFilter
{
    private const string StateName = "run";
    private const string Reminder = "look";
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FinishInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FlushPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MaxPatience = TimeSpan.FromSeconds(20);

    private readonly LeaseWatch _lease = new(time, options.Value.LeaseDuration);
    private TaskCompletionSource _happened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RunEvents? _events;

    /// <summary>Number of the newest event that is stored: a call that interleaves with a write must not see more.</summary>
    private long _newestEvent;

    /// <summary>Whether this activation knows all that the ledger has.</summary>
    private bool _isCaughtUp;

    /// <summary>Whether this activation ends as soon as no call is left in it: none may wait here any more.</summary>
    private bool _isLeaving;

    private bool _hasReminder;
    private IGrainTimer? _finishing;

    private RunId Id => RunId.Parse(this.GetPrimaryKeyString());

    private RunState Run => state.State;

    private DateTimeOffset Now => time.GetUtcNow();

    private bool LeaseIsLive => Run.Lease is not null && _lease.IsLive;

    public override Task OnActivateAsync(CancellationToken cancel)
    {
        _newestEvent = Run.LastEvent;
        _lease.Begin(Run.Lease?.ExpiresAt);
        if (Run.Unfinished is not null)
            FinishLater();
        return Task.CompletedTask;
    }

    /// <summary>All calls but those that interleave wait for one another, whatever one of them waits for: renewals, too.</summary>
    public async Task Invoke(IIncomingGrainCallContext context)
    {
        var began = time.GetTimestamp();
        try
        {
            await context.Invoke();
        }
        finally
        {
            if (context.MethodName != nameof(WaitEventAsync))
                _lease.Served(began);
        }
    }

    public async Task<OpenReply> OpenAsync(OpenRequest request)
    {
        RunDecisions.CheckOpen(request);
        await CatchUpAsync();
        await FinishRecordAsync();
        if (RefusalOf(request) is { } refusal)
        {
            await RequireNewestAsync();
            logger.Refused(Id, request.Trainer, Run.Lease?.ExpiresAt);
            return refusal;
        }

        if (Run.LastEvent == 0)
            await Catalogue.AddAsync(Id);
        // The same start asking again has not lost its snapshot in flight; a new one must know how it ended.
        if (!Run.Joins(request))
            await SettlePendingAsync($"a new attempt was opened by {request.Trainer}");
        await SaveAsync(Run.Open(Id, request, Now, options.Value.LeaseDuration));
        _lease.Heard();
        logger.Opened(Id, request.Trainer, Run.Token);
        return Reply(granted: true);
    }

    public async Task<LeaseReply> RenewAsync(FencingToken token)
    {
        if (!await HoldsAsync(token))
            return LeaseReply.Fenced;
        await ChangeAsync(Run.Renew(Now, options.Value.LeaseDuration));
        _lease.Heard();
        return LeaseReply.Held;
    }

    public async Task<LeaseReply> CloseAsync(FencingToken token, RankProcess member)
    {
        if (!await HoldsAsync(token))
            return LeaseReply.Fenced;
        if (!Run.Has(member))
            await RequireNewestAsync();
        await ChangeAsync(Run.Close(Id, member, Now));
        return LeaseReply.Held;
    }

    public async Task<ReadyReply> ReadyAsync(FencingToken token, RankProcess member, SnapshotLink? restored)
    {
        var holds = await HoldsAsync(token);
        if (!Run.Has(member) || restored != Run.Head)
            await RequireNewestAsync();
        if (!holds || !Run.Has(member))
            return new ReadyReply(ReadyOutcome.Fenced, []);
        if (restored != Run.Head)
            return new ReadyReply(ReadyOutcome.Moved, []);
        await ChangeAsync(Run.Ready(member.Rank));
        var missing = Run.UnreadyRanks();
        return new ReadyReply(missing.Length == 0 ? ReadyOutcome.Ready : ReadyOutcome.Waiting, missing[..Math.Min(10, missing.Length)]);
    }

    public async Task<BeginReply> BeginSnapshotAsync(FencingToken token, SnapshotPlan plan)
    {
        await CatchUpAsync();
        if (!await HoldsAsync(token))
            return new BeginReply(BeginOutcome.Fenced, null);
        SnapshotManifests.CheckPlan(plan);
        if (plan.WorldSize != Run.Lease!.WorldSize)
            throw new InvalidInputException($"A snapshot of {plan.WorldSize} ranks in an attempt of {Run.Lease.WorldSize}.");
        if (plan.WorldSize > 1 && plan.Save < 1)
            throw new InvalidInputException("A save of several ranks has a number from 1, by which they belong together.");
        await EndPendingIfSettledAsync();
        if (Run.Pending is { } other && !Run.IsPending(plan))
            return new BeginReply(Run.HasEnded(plan) ? BeginOutcome.Over : BeginOutcome.Busy, other.Sequence);
        if (Run.Pending is null && Run.HasEnded(plan))
            return new BeginReply(BeginOutcome.Over, null);
        // Dying after the write leaves a sequence that was promised to nobody; the next Begin of the same step, the next attempt
        // or the reminder finds it here and goes on with it or settles it.
        if (Run.Pending is null)
        {
            await TryRemindAsync();
            await SaveAsync(Run.Begin(Id, plan, Now));
        }

        var pending = Run.Pending!;
        await SnapshotOf(pending.Sequence).BeginAsync(pending.Order);
        return new BeginReply(BeginOutcome.Begun, pending.Sequence);
    }

    public Task OnReachedAsync(SnapshotView snapshot) => ChangeAsync(Run.Reach(snapshot, snapshot.State, Now));

    public Task OnCommittedAsync(SnapshotView snapshot) => EndAsync(snapshot);

    public Task OnAbortedAsync(SnapshotView snapshot) => EndAsync(snapshot);

    public Task OnDamagedAsync(SnapshotView snapshot, string complaint) => SaveAsync(Run.Damaged(snapshot, complaint, Now));

    public async Task<RollbackReply> RollbackAsync(RollbackRequest request)
    {
        RunDecisions.CheckReason("A rollback", request.Reason);
        await RequireNewestAsync();
        await CatchUpAsync();
        await FinishRecordAsync();
        var target = await SnapshotOf(request.To).GetAsync();
        if (target?.Link is null)
            return Reply(RollbackOutcome.NotFound);
        if (LeaseIsLive && !request.FenceLiveAttempt)
            return Reply(RollbackOutcome.Leased);
        if (Run.IsRolledBack(target.Link, request))
            return Reply(RollbackOutcome.Done); // asked again after a lost answer
        if (request.Token is { } token && !await HoldsAsync(token))
            return Reply(RollbackOutcome.Fenced);
        if (await RefuteAsync(request) is { } refusal)
            return Reply(refusal);
        // Dying after this line: what was in flight has ended, and the rollback was answered to nobody.
        await EndPendingAsync($"the run was rolled back to #{request.To}");
        if (request.From is { } from && Run.Head != from)
            return Reply(RollbackOutcome.Fenced);
        var size = await Ledger.GetSizeAsync();
        await DecideAndFinishAsync(Run.DecideRollback(target, request, size, Now));
        return Reply(RollbackOutcome.Done);
    }

    public async Task<MarkReply> MarkAsync(MarkRequest request)
    {
        RunDecisions.CheckMark(request);
        await RequireNewestAsync();
        await CatchUpAsync();
        await FinishRecordAsync();
        var target = await SnapshotOf(request.Sequence).GetAsync();
        if (target?.Link is null)
            return new MarkReply(MarkOutcome.NotFound, Run.View(Id, LeaseIsLive));
        if (Run.IsMarked(request))
            return new MarkReply(MarkOutcome.Done, Run.View(Id, LeaseIsLive));
        if (!Run.HasRoomFor(request))
            return new MarkReply(MarkOutcome.TooMany, Run.View(Id, LeaseIsLive));
        var size = await Ledger.GetSizeAsync();
        await DecideAndFinishAsync(Run.DecideMark(target, request, size, Now));
        return new MarkReply(MarkOutcome.Done, Run.View(Id, LeaseIsLive));
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
        await TryCatchUpAsync();
        var newest = await NewestAsync();
        var isLive = ReferenceEquals(newest, Run) ? LeaseIsLive : newest.Lease?.ExpiresAt > Now;
        return newest.LastEvent == 0 ? null : newest.View(Id, isLive);
    }

    public async Task<RunEvent[]> ReadEventsAsync(long from, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        ArgumentOutOfRangeException.ThrowIfNotEqual(limit is >= 1 and <= 1_000, true);
        var run = from + limit - 1 > Run.LastEvent ? await NewestAsync() : Run; // a short page says that there are no more
        return await Events.ReadAsync(run, Id, from, limit);
    }

    public async Task<long> WaitEventAsync(long number, TimeSpan patience)
    {
        if (_newestEvent == number - 1 && !_isLeaving)
            await draining.WaitAsync(_happened.Task, patience < MaxPatience ? patience : MaxPatience, time);
        return _newestEvent;
    }

    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        _hasReminder = true;
        await CatchUpAsync(); // before anything is woken that history may have passed
        if (Run.Pending is { } pending)
        {
            await SnapshotOf(pending.Sequence).BeginAsync(pending.Order); // wakes it; makes good a call that was lost
            await EndPendingIfSettledAsync();
            return;
        }

        if (LeaseIsLive || await FindNewerAsync() is not null)
            return;
        _hasReminder = false; // whatever comes of it: the next snapshot asks for one
        if (await this.GetReminder(Reminder) is { } reminder)
            await this.UnregisterReminder(reminder);
    }

    /// <summary>
    /// One for all snapshots of an activation. Where reminders cannot be written just now, saving goes on: the snapshot has a timer,
    /// and the next one asks for the reminder again.
    /// </summary>
    private async Task TryRemindAsync()
    {
        if (_hasReminder)
            return;
        try
        {
            await this.RegisterOrUpdateReminder(Reminder, ReminderPeriod, ReminderPeriod);
            _hasReminder = true;
        }
        catch (Exception error)
        {
            logger.NotReminded(Id, error.Message);
        }
    }

    /// <summary>A snapshot may have ended without having been able to tell.</summary>
    private async Task EndPendingIfSettledAsync()
    {
        if (Run.Pending is { } pending && await SnapshotOf(pending.Sequence).GetAsync() is { SettledAt: not null } settled)
            await EndAsync(settled);
    }

    private async Task EndAsync(SnapshotView snapshot)
    {
        await CatchUpAsync();
        var next = Run.End(snapshot, Now);
        if (ReferenceEquals(next, Run))
        {
            await RequireNewestAsync();
            return;
        }

        await SaveAsync(next);
        if (snapshot.Link is not null)
            logger.HeadMoved(Id, snapshot.Sequence, snapshot.Order.Plan.Step);
    }

    private async Task SettlePendingAsync(string reason)
    {
        if (Run.Pending is { } pending)
            await EndAsync(await SnapshotOf(pending.Sequence).SettleAsync(pending.Order, reason));
    }

    /// <summary>What is in flight does not come after what is decided next: it is aborted now, or is committed because it was verified.</summary>
    private async Task EndPendingAsync(string reason)
    {
        if (Run.Pending is { } pending)
            await EndAsync(await SnapshotOf(pending.Sequence).EndAsync(pending.Order, reason));
    }

    private async Task DecideAndFinishAsync(RunState decided)
    {
        // Dying after this line: the decision is stored, and the next activation, or whoever asks the run for something,
        // finishes it.
        await SaveAsync(decided);
        FinishLater();
        await FinishRecordAsync();
    }

    private void FinishLater() => _finishing ??= this.RegisterGrainTimer(
        TryFinishRecordAsync, new GrainTimerCreationOptions(FinishInterval, FinishInterval) { KeepAlive = true });

    private async Task TryFinishRecordAsync()
    {
        var began = time.GetTimestamp();
        try
        {
            await CatchUpAsync();
            await FinishRecordAsync();
        }
        catch (Exception error)
        {
            logger.NotFinished(Id, error.Message);
        }

        _lease.Served(began);
    }

    private async Task FinishRecordAsync()
    {
        if (Run.Unfinished is not { } unfinished)
        {
            _finishing?.Dispose();
            _finishing = null;
            return;
        }

        var position = await Ledger.AppendAsync(unfinished.Record, unfinished.NotBefore);
        await SaveAsync(Run.Finish(position, Now));
        logger.Noted(Id, RunDecisions.EventOf(LedgerRecord.Decode(unfinished.Record).Kind), unfinished.Target.Sequence);
    }

    private OpenReply? RefusalOf(OpenRequest request) => Run.IsOver(request)
        ? Over(request)
        : Run.MisfitOf(request) is { } misfit
            ? Reply(granted: false) with { Misfit = misfit }
            : Run.MayOpen(request, LeaseIsLive) ? null : Reply(granted: false);

    /// <summary>Nobody may hold the lease by now; an answer has one all the same, and then it is over and nobody's.</summary>
    private OpenReply Over(OpenRequest request) => Reply(granted: false) with
    {
        IsOver = true,
        Lease = Run.Lease ?? new Lease { Attempt = Guid.Empty, Token = Run.Token, Trainer = request.Trainer, ExpiresAt = Now },
    };

    private RollbackReply Reply(RollbackOutcome outcome) => new(outcome, Run.View(Id, LeaseIsLive));

    private OpenReply Reply(bool granted) => new()
    {
        Granted = granted,
        Lease = Run.Lease!,
        Head = Run.Head,
        RenewEvery = options.Value.LeaseDuration / 3,
    };

    private RunEvents Events => _events ??= new RunEvents(GrainFactory);

    private ICatalogueGrain Catalogue => GrainFactory.GetGrain<ICatalogueGrain>(ICatalogueGrain.ShelfOf(Id));

    private ILedgerGrain Ledger => GrainFactory.GetGrain<ILedgerGrain>(ledger.Value.Name);

    private ISnapshotGrain SnapshotOf(Sequence sequence) =>
        GrainFactory.GetGrain<ISnapshotGrain>(new SnapshotId(Id, sequence).ToString());
}
