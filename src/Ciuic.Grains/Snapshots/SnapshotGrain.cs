using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Runtime;

namespace Ciuic.Grains;

/// <summary>
/// One snapshot: Pending -> Uploaded -> Verified -> Committed, or Aborted before Verified. Long work (reading back,
/// appending) runs beside the calls; every change of state goes through <see cref="ChangeAsync"/>, one at a time,
/// and looks again at the state it finds. Verified and Aborted exclude each other by that write's ETag, even
/// between two activations; what is Verified will be committed. Where everything died, its run's reminder wakes it.
/// </summary>
internal sealed partial class SnapshotGrain(
    [PersistentState(SnapshotGrain.StateName, Persistence.Provider)] IPersistentState<SnapshotData> state,
    IObjectStore store,
    IOptions<SnapshotOptions> options,
    IOptions<LedgerOptions> ledger,
    ISiloStatusOracle silos,
    Draining draining,
    TimeProvider time,
    ILogger<SnapshotGrain> logger) : Grain, ISnapshotGrain
{
    /// <summary>What its state is stored as.</summary>
    public const string StateName = "snapshot";

    private static readonly TimeSpan WorthTelling = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan WorthWaiting = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxPatience = TimeSpan.FromSeconds(20);

    /// <summary>How long it stays in memory after its end.</summary>
    private static readonly TimeSpan Afterwards = TimeSpan.FromSeconds(15);

    /// <summary>Ended so lately, an activation may have died before it told the run.</summary>
    private static readonly TimeSpan Lately = TimeSpan.FromMinutes(10);

    private readonly SemaphoreSlim _writing = new(1);

    /// <summary>Ends the long work: the silo drains, or this activation is over.</summary>
    private readonly CancellationTokenSource _stopping = new();
    private CancellationTokenRegistration _drain;

    /// <summary>Ends the waiting here: the snapshot is settled, or this activation is over.</summary>
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _settling;
    private SnapshotVerification? _verification;
    private IGrainTimer? _timer;
    private string? _problem;
    private bool _runKnows;

    private SnapshotId Id => SnapshotId.Parse(this.GetPrimaryKeyString());

    /// <summary>What is stored: calls that interleave with a write never see more than that.</summary>
    private SnapshotData Data { get; set; } = new();

    public override Task OnActivateAsync(CancellationToken cancel)
    {
        Data = state.State;
        _drain = draining.Token.Register(_stopping.Cancel);
        _mayBeOld = Data.Order is not null && !Data.IsSettled;
        if (Data.Order is not null && (Data.SettledAt is not { } ended || time.GetUtcNow() < ended + Lately))
            KeepGoing();
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancel)
    {
        await _drain.DisposeAsync();
        await _stopping.CancelAsync();
    }

    public async Task BeginAsync(SnapshotOrder order)
    {
        if (Data.Order is not null)
            return;
        await ChangeAsync(d => d.Order is null ? d with { State = SnapshotState.Pending, Order = order } : d);
        KeepGoing();
    }

    public async Task<ShardReply> CompleteShardAsync(FencingToken token, Rank rank, ShardDigest shard)
    {
        if (Data.Order?.Token != token && await IsFencedAsync(token))
            return ShardReply.Fenced;
        if (Data.State == SnapshotState.Aborted)
            return ShardReply.Aborted;
        if (Data.Shards.TryGetValue(rank.Value, out var known))
            return known == shard ? ShardReply.Accepted : ShardReply.Conflict;
        if (rank.Value >= Data.Order!.Plan.WorldSize)
            return ShardReply.Conflict;
        await TakeAsync(rank, shard);
        return Data.State == SnapshotState.Aborted ? ShardReply.Aborted : ShardReply.Accepted;
    }

    public async Task AbandonShardAsync(FencingToken token, Rank rank, string reason)
    {
        if (Data.Order?.Token != token)
            return;
        await AbortAsync($"rank {rank} gave it up: {reason}", d => !d.Shards.ContainsKey(rank.Value));
        _ = FinishAsync();
    }

    public async Task<SnapshotView> SettleAsync(SnapshotOrder order, string reason)
    {
        if (Data.Order is null)
            await ChangeAsync(d => d.Order is null ? Aborted(d with { Order = order }, reason) : d);
        if (LacksShards(Data))
            await AbortAsync($"{reason} while shards of ranks {Missing()} were missing", LacksShards);
        await AbortIfOverdueAsync();
        await SettleAsync();
        return Data.IsSettled ? View : throw new UnavailableException($"Snapshot {Id} is {Data.State} still; ask again.");
    }

    public async Task<SnapshotView> EndAsync(SnapshotOrder order, string reason)
    {
        await ChangeAsync(d => d.Order is null ? Aborted(d with { Order = order }, reason) : d);
        await AbortAsync(reason);
        if (!Data.IsSettled)
            await SettleAsync(); // verified, by whichever activation: nobody may call it aborted any more
        return Data.IsSettled ? View : throw new UnavailableException($"Snapshot {Id} is {Data.State} still; ask again.");
    }

    public async Task<SnapshotView?> WaitAsync(TimeSpan patience)
    {
        if (Data.Order is not null && !Data.IsSettled)
        {
            var wait = patience < MaxPatience ? patience : MaxPatience;
            await draining.WaitAsync(_over.Task, wait, time);
        }

        return await GetAsync();
    }

    public async Task<bool> WaitFinalAsync(TimeSpan patience)
    {
        var begin = time.GetTimestamp();
        var wait = patience < MaxPatience ? patience : MaxPatience;
        await WaitAsync(wait);
        var left = wait - time.GetElapsedTime(begin); // one patience for both
        return Data.Position is { } position
            && await Ledger.WaitFinalAsync(position.Height, left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    public async Task<string?> RebuildAsync(RebuiltSnapshot snapshot)
    {
        // Died behind the commit point: all that the row lacks is what the ledger says.
        await ChangeAsync(d => d.State == SnapshotState.Verified && d.Manifest == snapshot.Manifest
            ? d with { State = SnapshotState.Committed, Position = snapshot.Position, SettledAt = snapshot.CommittedAt }
            : d);
        if (IsCommitted(Data, snapshot))
            return null;
        var (data, damage) = await SnapshotRebuild.ReadAsync(new ManifestReader(store), Id, snapshot);
        for (var look = 1; damage is not null && look < SnapshotVerification.Looks; look++)
        {
            // What is stored now is told for good: one odd answer of the store must not make damage of it.
            await Task.Delay(options.Value.RetryInterval, time);
            (data, damage) = await SnapshotRebuild.ReadAsync(new ManifestReader(store), Id, snapshot);
        }

        // What the ledger has committed is committed, whatever an older copy of the database, or another one, says.
        await ChangeAsync(d => IsCommitted(d, snapshot) ? d : Kept(d, data));
        return damage;
    }

    private static bool IsCommitted(SnapshotData data, RebuiltSnapshot snapshot) =>
        data.State == SnapshotState.Committed && data.Manifest == snapshot.Manifest;

    /// <summary>Of the snapshot that the ledger has committed a row knows more than its manifest says.</summary>
    private static SnapshotData Kept(SnapshotData known, SnapshotData read) =>
        known.Manifest == read.Manifest ? read with { Order = known.Order, Shards = known.Shards } : read;

    public async Task<SnapshotView?> GetAsync()
    {
        // An activation that was left behind must not tell anybody that a committed snapshot is not.
        if (!Data.IsSettled && await FindNewerAsync() is { } newer)
            return newer.Order is null ? null : newer.View(Id);
        return Data.Order is null ? null : View;
    }

    private async Task TellRunAsync()
    {
        if (!Data.IsSettled)
            return;
        // Dying before this call, or losing its answer: the run asks, when it begins the next snapshot, is opened or is reminded.
        if (!_runKnows)
            await TellEndAsync(View);
        _runKnows = true;
        _timer?.Dispose();
        // Whoever waits for it is answered by now, and hardly anybody asks again: many that have ended must not fill a silo's memory.
        _timer = this.RegisterGrainTimer(LeaveAsync, new GrainTimerCreationOptions(Afterwards, Timeout.InfiniteTimeSpan));
    }

    private Task TellEndAsync(SnapshotView ended) =>
        ended.State == SnapshotState.Committed ? Run.OnCommittedAsync(ended) : Run.OnAbortedAsync(ended);

    private async Task TryTellEndAsync(SnapshotView ended)
    {
        try
        {
            await TellEndAsync(ended);
        }
        catch (Exception error)
        {
            logger.NotTold(Id, error.Message);
        }
    }

    private async Task LeaveAsync()
    {
        await ((Task)_inspection).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        DeactivateOnIdle();
    }

    /// <summary>
    /// Whether a token is of an older attempt. What this activation believes is read again before anybody is told so, because he
    /// will believe it for good.
    /// </summary>
    /// <exception cref="UnavailableException">The snapshot is unknown here, or the token is newer than its own.</exception>
    private async Task<bool> IsFencedAsync(FencingToken token)
    {
        if (await FindNewerAsync() is not null)
            throw this.LeftBehind();
        if (Data.Order is { } order && token.CompareTo(order.Token) <= 0)
            return order.Token != token;
        // Its run knows: the attempt may be one of before a rebuild.
        return await Run.RenewAsync(token) == LeaseReply.Fenced
            ? true
            : throw new UnavailableException(
                $"Snapshot {Id} was not begun under the token {token} as far as this silo's database knows: it is another database, or an "
                + "older copy of it.");
    }

    /// <summary>
    /// For those who watch: nothing waits for it, and if it is lost the end of the snapshot makes it good. A snapshot that goes on at
    /// once is told of at its end only: that is two writes instead of six.
    /// </summary>
    private async Task TellReachedAsync(SnapshotState reached)
    {
        try
        {
            await Task.Delay(WorthTelling, time);
            if (Data.State == reached)
                await Run.OnReachedAsync(View);
        }
        catch (Exception error)
        {
            logger.NotTold(Id, error.Message);
        }
    }

    /// <summary>
    /// The only way the state changes: one change at a time, decided on the state found then, and stored before
    /// anyone sees it.
    /// </summary>
    private async Task ChangeAsync(Func<SnapshotData, SnapshotData> change)
    {
        await _writing.WaitAsync();
        try
        {
            var next = change(Data);
            if (!ReferenceEquals(next, Data))
                await this.SaveAsync(state, next);
            Data = next;
        }
        catch (UnavailableException)
        {
            _over.TrySetResult(); // who waits asks again, and the next activation answers
            await _stopping.CancelAsync();
            throw;
        }
        finally
        {
            _writing.Release();
        }

        if (Data.IsSettled)
            _over.TrySetResult();
    }

    /// <summary>What another activation has made of it; null where none has. Not while this one writes: that would be taken for another's.</summary>
    private async Task<SnapshotData?> FindNewerAsync()
    {
        await _writing.WaitAsync();
        try
        {
            if (await this.FindNewerAsync(state, StateName) is not { } newer)
                return null;
            _over.TrySetResult();
            await _stopping.CancelAsync();
            // Whoever wrote it may have died before it told the run, and who waited goes home now: nobody would wake the next one.
            if (newer.IsSettled)
                _ = TryTellEndAsync(newer.View(Id));
            return newer;
        }
        finally
        {
            _writing.Release();
        }
    }

    private void KeepGoing() => _timer ??= this.RegisterGrainTimer(
        LookAsync,
        new GrainTimerCreationOptions(options.Value.RetryInterval, options.Value.RetryInterval) { Interleave = true });

    private SnapshotView View => Data.View(Id) with { Problem = Data.IsSettled ? null : _problem };

    private IRunGrain Run => GrainFactory.GetGrain<IRunGrain>(Id.Run.Value);

    private ILedgerGrain Ledger => GrainFactory.GetGrain<ILedgerGrain>(ledger.Value.Name);
}
