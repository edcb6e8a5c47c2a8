using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// A run that this process trains. Used by the thread that trains; saving goes on beside it. Nothing here stops
/// training because a silo or a store is away.
/// </summary>
public sealed class TrainingRun : IAsyncDisposable
{
    /// <summary>Name of the item that is restored last: the state of random generators.</summary>
    public const string RandomItem = "rng";

    private const int EventPage = 1_000;

    private readonly SaveOptions _options;
    private readonly ResumePolicy _resumePolicy;
    private readonly ICoordinator _coordinator;
    private readonly SigningKey? _key;
    private readonly RunOpening _opening;
    private readonly RunResuming _resuming;
    private readonly RunEnding _ending;
    private readonly StagingBuffers _buffers;
    private readonly ChunkStore _chunks;
    private readonly SaveDelivery _delivery;
    private readonly SpoolWriter? _spool;
    private readonly SpoolHome _spoolHome;
    private readonly Saver _saver;
    private readonly SavePolicy _policy;
    private readonly SaveChecks _checks;
    private readonly TerminationSignal _termination;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly List<ITrackedState> _tracked = [];
    private Func<string, ITrackedState>? _rest;
    private readonly UnfinishedSaves _unfinished;
    private readonly MemoryCalls _calls;
    private readonly Lock _closing = new();
    private Task<IReadOnlyList<EndedSave>>? _closed;
    private volatile bool _hasLeft;
    private long _saves;

    internal TrainingRun(
        RunId run,
        RankPlace place,
        ClientOptions client,
        SaveOptions options,
        RankOptions ranks,
        CodecOptions codec,
        ICoordinator coordinator,
        RunStore way,
        StoreFit fit,
        LedgerWatch ledger,
        TimeProvider time,
        ILogger logger)
    {
        RequireSameDecisions(place, options);
        (Id, Place, _options, _resumePolicy) = (run, place, options, client.Resume);
        (_coordinator, _time, _logger) = (coordinator, time, logger);
        _key = options.KeyFile.Length == 0 ? null : SigningKeyFile.Read(options.KeyFile, KeyAlgorithm.Ed25519);
        _termination = new TerminationSignal(options.OnTerminate != OnTerminate.Ignore, signal => logger.Terminating(run, signal));
        _opening = new RunOpening(run, coordinator, fit, new RunLease(run, coordinator, client, place, time, logger), time, logger);
        _calls = new MemoryCalls(run);
        _buffers = new StagingBuffers(options.MaxStagingBytes);
        var store = way.Objects;
        _chunks = new ChunkStore(store);
        _spoolHome = new SpoolHome(way, fit);
        _policy = new SavePolicy(options, time);
        _checks = new SaveChecks(run, logger);
        _spool = place.IsAlone && options.SpoolFolder is { } folder
            ? new SpoolWriter(run, _spoolHome, folder, options, codec.Mode, _opening.Lease, time, logger)
            : null;
        var moves = new Movement(time);
        _unfinished = new UnfinishedSaves(run, options, moves, Stopping, time);
        var uploader = new ShardUploader(_chunks, codec, options.Writers, options.NonFinite != NonFiniteCheck.Off);
        var bases = new SaveBases(_buffers, uploader);
        var outcomes = new SaveOutcomes(run, bases, moves, Report, logger);
        var watch = new TrainingWatch(run, options, logger);
        _delivery = new SaveDelivery(
            run, place, coordinator, store, _opening, _key, options.MaxWaiting, outcomes, _spool, watch, moves,
            () => _unfinished.Count, time, logger);
        _unfinished.Problem = () => _delivery.Problem;
        _saver = new Saver(
            run, place, options, _buffers, uploader, _delivery, outcomes, bases, _spool, watch, moves, time, logger, Report);
        var resumer = new Resumer(
            run, place.Rank, store, _chunks, _buffers, options.Readers, _tracked, TrackFound, _saver.ContinueFrom, logger);
        _resuming = new RunResuming(run, place, client, ranks, coordinator, ledger, _opening, resumer, _tracked, time, logger);
        _ending = new RunEnding(run, options, _unfinished, _saver, _delivery, _spool, _opening.Lease, time, logger);
        LiveRuns.Add(this);
    }

    /// <summary>The run's name.</summary>
    public RunId Id { get; }

    /// <summary>The number of this process among those that train the run together, from 0.</summary>
    public int Rank => Place.Rank.Value;

    /// <summary>How many processes train the run together.</summary>
    public int WorldSize => Place.WorldSize;

    /// <summary>
    /// Cancelled by SIGTERM or Ctrl-C: the loop should save and end; a second Ctrl-C ends the process at once. Of several ranks each is told at a moment of its own; they must agree on the
    /// step at which they save for the last time and end.
    /// </summary>
    public CancellationToken Stopping => _termination.Token;

    /// <summary>Whether a newer attempt owns the run: training may go on, but nothing is saved any more.</summary>
    public bool IsFenced => _opening.Lease.IsFenced;

    /// <summary>The right under which this attempt writes; null until a silo granted it.</summary>
    public FencingToken? Token => _opening.Lease.Token;

    /// <summary>Steps between two saves now; null where only time and epochs count.</summary>
    public long? SaveInterval => _policy.Interval;

    /// <summary>Saves that were left out because the one before was still in the staging memory.</summary>
    public int SkippedSaves => _saver.Skipped;

    /// <summary>Saves that are uploaded and not committed yet.</summary>
    public int WaitingSaves => _delivery.Waiting;

    /// <summary>Saves that have no outcome yet: they are being uploaded, or wait for their commit.</summary>
    public int UnfinishedSaves => _unfinished.Count;

    /// <summary>Whether <see cref="ResumeAsync"/> was called; before that a run with history saves nothing.</summary>
    public bool IsResumed => _checks.IsResumed;

    /// <summary>
    /// Told how far saves are, from background threads; must return quickly. The save waits for it.
    /// </summary>
    public event Action<SaveProgress>? OnSaveProgress;

    /// <summary>Adds an item to what is saved and restored.</summary>
    /// <exception cref="InvalidInputException">An item of that name is tracked already, or the name is not 1 to 1,000 characters.</exception>
    public TrainingRun Track(ITrackedState state)
    {
        if (state.Item.Length is 0 or > ManifestLimits.MaxNameLength)
            throw new InvalidInputException($"An item's name has 1 to {ManifestLimits.MaxNameLength} characters.");
        if (_tracked.Any(t => t.Item == state.Item))
            throw new InvalidInputException($"An item named '{state.Item}' is tracked already.");
        _tracked.Add(state);
        return this;
    }

    /// <summary>Adds an item of the program's own: bytes that it makes and takes back.</summary>
    public TrainingRun TrackBytes(string item, Func<byte[]> capture, Action<byte[]> restore) =>
        Track(new TrackedBytes(item, capture, restore));

    /// <summary>
    /// Adds an item of the program's own as JSON. A saved one that cannot be read as <typeparamref name="T"/> is a mismatch
    /// that <see cref="ResumeAsync"/> names before anything is changed.
    /// </summary>
    public TrainingRun TrackJson<T>(string item, Func<T> capture, Action<T> restore) =>
        Track(new TrackedJson<T>(item, capture, restore));

    /// <summary>
    /// Adds an item whose tensors differ from rank to rank: each rank saves its own and gets it back. Of other items whole tensors are
    /// taken to be alike on all ranks and are stored once; byte items are always each rank's own.
    /// </summary>
    public TrainingRun TrackPerRank(ITrackedState state) => Track(new PerRankState(state));

    /// <summary>
    /// Tracks whatever else a snapshot holds when it is resumed from: for programs that do not know it beforehand.
    /// </summary>
    /// <param name="make">Makes the state of an item by its name.</param>
    public TrainingRun TrackRest(Func<string, ITrackedState> make)
    {
        _rest = make;
        return this;
    }

    /// <summary>
    /// Says that the program has loaded another snapshot of the run than the one that <see cref="ResumeAsync"/> restored, and trains on from
    /// that. Once all saves on their way are over the chain head is moved back to it, and the ledger says so and why: history tells on what
    /// the next snapshot was trained. Where no silo answers that happens before the next commit. For a process that trains alone.
    /// </summary>
    /// <param name="from">The snapshot, which must be committed.</param>
    /// <param name="reason">Why, for the ledger: 1 to 1,000 characters.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="InvalidInputException">Several ranks train the run.</exception>
    /// <exception cref="FencedException">A newer attempt owns the run.</exception>
    /// <exception cref="ConflictException">The head cannot be moved there.</exception>
    public async Task ContinueFromAsync(SnapshotLink from, string reason, CancellationToken cancel = default)
    {
        if (!Place.IsAlone)
        {
            throw new InvalidInputException(
                $"Run {Id} is trained by {WorldSize} ranks: roll it back to #{from.Sequence} and let all of them resume from its head.");
        }

        RequireOpen();
        await SettleAsync(cancel);
        await _opening.GoBackAsync(from, reason, cancel);
        _spool?.ContinueFrom(from);
        _checks.WentBack();
    }

    /// <summary>
    /// Restores the newest whole snapshot of the chain into what is tracked, as the resume policy says. Damaged
    /// snapshots are named and passed over. Everything is checked before anything is changed. A state that is larger than
    /// Ciuic:Save:MaxStagingBytes is read twice; should the bucket fail between, the error says that a part is restored.
    /// Of several ranks each reads what it needs, whatever the number of ranks was that saved it, and none returns before all have
    /// restored the same snapshot.
    /// </summary>
    /// <exception cref="InvalidInputException">The snapshot does not fit; the message lists every mismatch.</exception>
    /// <exception cref="NotFoundException">The policy is Must and there is nothing to restore.</exception>
    /// <exception cref="CorruptException">
    /// Snapshots exist and none is whole, or the ledger was rolled back or forked since this machine last looked.
    /// </exception>
    /// <exception cref="UnavailableException">The bucket does not answer, or other ranks have not restored it in time.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or ended by SIGTERM.</exception>
    public async Task<ResumeReport> ResumeAsync(CancellationToken cancel = default)
    {
        using var call = _calls.Begin();
        using var ending = EndingWith(cancel);
        await SettleAsync(ending.Token);
        var report = await _resuming.ResumeAsync(ending.Token);
        _spool?.ContinueFrom(_opening.ContinuesFrom);
        _checks.Resumed(report.Progress.Step);
        return report;
    }

    /// <summary>
    /// Whether a save is due after this step: by the policy, or because the process was told to end. Of several ranks all are given the
    /// same answer, and what SIGTERM means is theirs to agree on.
    /// </summary>
    /// <param name="step">Optimizer updates completed.</param>
    /// <param name="endOfEpoch">Whether this step ended an epoch.</param>
    public bool ShouldSave(long step, bool endOfEpoch = false)
    {
        if (_hasLeft)
            return false;
        if ((Place.IsAlone && Stopping.IsCancellationRequested) || _policy.IsDue(step, endOfEpoch))
            return true;
        _saver.Prepare(_tracked); // after a step, because optimizers make their state in the first
        return false;
    }

    /// <summary>
    /// Saves everything tracked. Returns once the state is copied aside; hashing, upload, verification and commit
    /// follow in the background. After SIGTERM or Ctrl-C it waits for the commit and, by default, closes the run and ends the process: with
    /// code 0, or with the <see cref="ExitCode"/> of what kept a snapshot from being committed. The process is not ended while other runs are
    /// open in it, nor where it is a generic host's: the program ends it then. On a fenced run nothing is copied
    /// or stored: the handle has failed already. A state that is larger than Ciuic:Save:MaxStagingBytes is copied in parts: this
    /// returns when the last one is. Several ranks save at the same steps; metrics and labels are those of the rank that comes first, and
    /// after SIGTERM none of them is ended here.
    /// </summary>
    /// <param name="progress">Where training is.</param>
    /// <param name="metrics">Metrics to keep with the snapshot, such as the loss; may be null.</param>
    /// <param name="labels">Labels to keep with the snapshot; may be null.</param>
    /// <param name="cancel">Ends the waiting for the staging buffer.</param>
    /// <exception cref="InvalidInputException">
    /// Nothing is tracked; the run has history and was not resumed; a number is negative; metrics or labels are too many or too long; the
    /// run is closed.
    /// </exception>
    public async Task<SaveHandle> SaveAsync(
        TrainingProgress progress,
        IReadOnlyDictionary<string, double>? metrics = null,
        IReadOnlyDictionary<string, string>? labels = null,
        CancellationToken cancel = default)
    {
        var plan = new SnapshotPlan
        {
            Step = progress.Step,
            Epoch = progress.Epoch,
            NextSample = progress.NextSample,
            Metrics = new Dictionary<string, double>(metrics ?? new Dictionary<string, double>()),
            Labels = new Dictionary<string, string>(labels ?? new Dictionary<string, string>()),
            WorldSize = Place.WorldSize,
            Trainer = ThisProcess.Identity,
            Signer = _key?.Verifier,
        };
        if (_hasLeft)
            return _saver.Refuse(plan, new UnavailableException($"Run {Id} was told to end and has saved for the last time; step {plan.Step} is not saved."));
        var handle = await SaveNowAsync(plan, cancel);
        if (Place.IsAlone && Stopping.IsCancellationRequested)
            await LeaveAsync();
        return handle;
    }

    /// <summary>
    /// Waits until every save on its way is committed or has failed: the end of a training program. It waits as long as something moves, and
    /// Ciuic:Save:FinishDeadline once nothing does, such as where no silo comes; after SIGTERM no longer than
    /// Ciuic:Save:TerminateDeadline. What is not committed then is kept on this machine when the run is closed
    /// (Ciuic:Save:SpoolDirectory). Returns at once when nothing is on its way.
    /// </summary>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="CiuicException">The last save failed as <see cref="SaveHandle.Committed"/> says.</exception>
    /// <exception cref="UnavailableException">It was not committed within the deadline, or it is kept on this machine.</exception>
    public Task FinishAsync(CancellationToken cancel = default) => _unfinished.FinishAsync(cancel);

    /// <summary>
    /// How often to save, from what saves and steps are measured to take and from how often attempts of this run have failed.
    /// </summary>
    /// <param name="cancel">Ends the asking.</param>
    /// <returns>Null before a save and two steps were seen: <see cref="ShouldSave"/> measures steps.</returns>
    /// <exception cref="UnavailableException">No silo answers.</exception>
    public async Task<IntervalAdvice?> AdviseIntervalAsync(CancellationToken cancel = default)
    {
        if (_policy.Stall is not { } stall || _policy.StepTime is not { } step || step <= TimeSpan.Zero)
            return null;
        var events = new List<RunEvent>();
        while (await _coordinator.ReadEventsAsync(Id, events.Count + 1, EventPage, cancel) is { Length: > 0 } page)
            events.AddRange(page);
        return IntervalAdvice.Of(events, stall, step, _time.GetUtcNow());
    }

    /// <summary>
    /// Closes the run: waits for saves on their way as <see cref="FinishAsync"/> does, keeps on this machine what is not committed then
    /// (Ciuic:Save:SpoolDirectory), and gives the lease back. Never throws: <see cref="CloseAsync"/> and the log say what became of them.
    /// </summary>
    public async ValueTask DisposeAsync() => await CloseAsync();

    /// <summary>Closes the run, as <see cref="DisposeAsync"/> does. Calls after the first one wait for it.</summary>
    /// <param name="deadline">
    /// How long saves on their way are waited for, whether they move or not; null: as the settings say. With zero they are kept on this
    /// machine at once.
    /// </param>
    /// <returns>What became of the saves that were on their way.</returns>
    public Task<IReadOnlyList<EndedSave>> CloseAsync(TimeSpan? deadline = null)
    {
        lock (_closing)
            return _closed ??= CloseOnceAsync(deadline);
    }

    internal RankPlace Place { get; }

    internal Task OpenAsync(CancellationToken cancel) => _opening.OpenAsync(cancel);

    /// <summary>Commits what was kept on this machine for the run, where that may be.</summary>
    /// <exception cref="ConflictException">Another process has it open.</exception>
    /// <exception cref="UnavailableException">Silo or bucket went away; what is left can be synced later.</exception>
    internal Task<IReadOnlyList<SyncedSave>> SyncAsync(CancellationToken cancel)
    {
        var commits = new SpooledCommits(Id, _opening, _chunks, _spoolHome, _delivery, _key?.Verifier, _options.Readers);
        return _spool!.UseAsync(spool => new SpoolSync(spool, commits, _coordinator, _spoolHome).RunAsync(cancel), cancel);
    }

    /// <summary>Begins to read what <see cref="ResumeAsync"/> has left in the staging memory; disposing ends it. Until then it is not freed.</summary>
    /// <exception cref="InvalidInputException">The run is closed.</exception>
    public IDisposable BeginReading() => _calls.Begin();

    /// <summary>A token for waiting that SIGTERM ends too, besides the caller's.</summary>
    internal CancellationTokenSource EndingWith(CancellationToken cancel) =>
        CancellationTokenSource.CreateLinkedTokenSource(cancel, Stopping);

    /// <summary>What one rank decides alone, the others would not do at the same step.</summary>
    private static void RequireSameDecisions(RankPlace place, SaveOptions options)
    {
        if (!place.IsAlone && (options.EveryTime > TimeSpan.Zero || options.MaxOverhead > 0))
        {
            throw new InvalidInputException(
                "Ciuic:Save:EveryTime and MaxOverhead are measured by each rank alone, and ranks must save at the same steps: use EverySteps "
                + "and EveryEpoch where several train together.");
        }
    }

    /// <summary>The last save before the end is worth waiting for.</summary>
    private TimeSpan MaxWait =>
        Stopping.IsCancellationRequested && _options.TerminateDeadline > _options.MaxWait ? _options.TerminateDeadline : _options.MaxWait;

    private void RequireOpen()
    {
        if (_closed is not null)
            throw new InvalidInputException($"Run {Id} is closed: open it again to go on with it.");
    }

    /// <summary>What is on its way becomes the head: whoever resumes before that would go on from an older snapshot, and history would not say so.</summary>
    private async Task SettleAsync(CancellationToken cancel)
    {
        var saves = _unfinished.Unended();
        if (await _unfinished.UntilEndedAsync(saves, null, cancel))
            return;
        throw new UnavailableException(
            $"Run {Id}: step {saves[0].Step} was saved here and is not committed yet: it cannot be said what to resume from. Resume when a silo "
            + "is back, or close the run and open it again.");
    }

    private async Task<SaveHandle> SaveNowAsync(SnapshotPlan plan, CancellationToken cancel)
    {
        using var call = _calls.Begin();
        _checks.Require(plan, _tracked, _resumePolicy == ResumePolicy.Never ? null : _opening.Head);
        if (!Place.IsAlone)
            plan = plan with { Save = ++_saves };
        var begin = _time.GetTimestamp();
        var handle = IsFenced
            ? _saver.Refuse(plan, new FencedException(
                $"Run {Id} belongs to a newer attempt; step {plan.Step} was not saved."))
            : await _saver.SaveAsync(_tracked, plan, MaxWait, isLast: Stopping.IsCancellationRequested, cancel);
        _policy.MarkSaved(plan.Step, _time.GetElapsedTime(begin));
        _unfinished.Add(handle);
        return handle;
    }

    private async Task<IReadOnlyList<EndedSave>> CloseOnceAsync(TimeSpan? deadline)
    {
        await Task.Yield(); // the task is known before anything of it happens
        try
        {
            return await _ending.CloseAsync(_calls, deadline, () =>
            {
                _chunks.Dispose();
                if (_calls.HaveEnded && !LiveRuns.IsEnding)
                    _buffers.Dispose(); // else whoever still uses them is the last one
            });
        }
        finally
        {
            _termination.Dispose();
            _key?.Dispose();
            LiveRuns.Remove(this);
        }
    }

    /// <summary>The process was told to end, and this was the last save of the run.</summary>
    private async Task LeaveAsync()
    {
        var code = await _unfinished.OutcomeAsync();
        if (_options.OnTerminate != OnTerminate.SaveAndExit)
            return;
        _hasLeft = true;
        await CloseAsync(TimeSpan.Zero);
        if (LiveRuns.Leave(code) is not { } last)
            _logger.LeftToTheProgram(Id, "other runs are open in it");
        else if (HostDetection.IsInHost)
            _logger.LeftToTheProgram(Id, "it is a host's, which stops its services in order");
        else
            Environment.Exit(last);
    }

    private void TrackFound(IEnumerable<string> items)
    {
        if (_rest is null)
            return;
        foreach (var item in items.Distinct().Except(_tracked.Select(t => t.Item)).ToList())
            Track(_rest(item));
    }

    /// <summary>Whatever a listener does, saves go on.</summary>
    private void Report(SaveProgress progress)
    {
        try
        {
            OnSaveProgress?.Invoke(progress);
        }
        catch (Exception error)
        {
            _logger.ListenerFailed(Id, error.Message);
        }
    }
}
