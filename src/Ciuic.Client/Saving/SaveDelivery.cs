using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Commits uploaded saves, one after the other, however long the silo is away. Bounded: when too many wait, the
/// oldest gives way to the newest. What waits for long is noted on this machine's disk, so that it outlives the process.
/// </summary>
internal sealed class SaveDelivery
{
    /// <summary>How long the worker may take to hear that it is to end; a store that hangs does not hear it.</summary>
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(5);

    private readonly RunId _run;
    private readonly RankPlace _place;
    private readonly RunOpening _opening;
    private readonly SaveOutcomes _outcomes;
    private readonly SpoolWriter? _spool;
    private readonly SiloWatch _silo;
    private readonly SnapshotCommit _commit;
    private readonly int _maxWaiting;
    private readonly TrainingWatch _watch;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly LinkedList<Job> _waiting = [];
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _lock = new();
    private Job? _current;
    private Task? _worker;
    private Task _keeping = Task.CompletedTask;

    public SaveDelivery(
        RunId run,
        RankPlace place,
        ICoordinator coordinator,
        IObjectStore store,
        RunOpening opening,
        SigningKey? key,
        int maxWaiting,
        SaveOutcomes outcomes,
        SpoolWriter? spool,
        TrainingWatch watch,
        Movement moves,
        Func<int> unfinished,
        TimeProvider time,
        ILogger logger)
    {
        (_run, _place, _opening, _outcomes, _spool, _maxWaiting) = (run, place, opening, outcomes, spool, maxWaiting);
        (_watch, _time, _logger) = (watch, time, logger);
        _silo = new SiloWatch(time, error => logger.SiloAway(run, unfinished(), error.Message), () => logger.SiloBack(run));
        _commit = new SnapshotCommit(run, place, coordinator, store, opening, key, _silo, moves, time, logger, _ending.Token)
        {
            OnSilence = NoteIfLong,
        };
    }

    /// <summary>Saves that are not committed yet.</summary>
    public int Waiting => Saves().Count;

    /// <summary>What keeps saves from being committed; null where nothing is known.</summary>
    public string? Problem => _silo.Problem;

    public void Enqueue(UploadedSave save)
    {
        UploadedSave? oldest = null;
        if (_ending.IsCancellationRequested)
        {
            Leave(save, "the run is closed"); // its upload hung for that long
            return;
        }

        lock (_lock)
        {
            if (_waiting.Count(j => j.Save is not null) >= _maxWaiting)
                oldest = GiveWay();
            Add(new Job(save, save.Plan, ""));
        }

        if (oldest is not null)
            Leave(oldest, GaveWay(oldest.Plan));
        NoteIfLong();
    }

    /// <summary>
    /// Other ranks wait for a save that this one has given up: tells them so when those before it have come to an end, as far as a
    /// silo is there to tell.
    /// </summary>
    public void Abandon(SnapshotPlan plan, string reason)
    {
        if (_place.IsAlone || _ending.IsCancellationRequested)
            return;
        lock (_lock)
        {
            // Where many wait, the others learn of the oldest by their deadline.
            if (_waiting.FirstOrDefault(j => j.Save is null) is { } first && _waiting.Count(j => j.Save is null) >= _maxWaiting)
                _waiting.Remove(first);
            Add(new Job(null, plan, reason));
        }
    }

    /// <summary>Ends deliveries: what is not committed is kept on this machine, or given up.</summary>
    public async Task EndAsync()
    {
        await _ending.CancelAsync();
        await UntilEndedAsync(_worker ?? Task.CompletedTask);
        foreach (var save in Saves())
            Leave(save, _silo.Problem ?? "the run was closed before it was committed");
        await _keeping;
    }

    private void Add(Job job)
    {
        _waiting.AddLast(job);
        _worker ??= Task.Run(WorkAsync);
        _arrived.Release();
    }

    /// <summary>Puts the news that the oldest save is given up in its place.</summary>
    private UploadedSave GiveWay()
    {
        var node = _waiting.First!;
        while (node.Value.Save is null)
            node = node.Next!;
        var save = node.Value.Save;
        node.Value = new Job(null, save.Plan, GaveWay(save.Plan));
        if (_place.IsAlone)
            _waiting.Remove(node);
        return save;
    }

    private string GaveWay(SnapshotPlan plan) => $"The save of step {plan.Step} gave way: {_maxWaiting} newer ones wait to be committed";

    /// <summary>The one that is being delivered first.</summary>
    private List<UploadedSave> Saves()
    {
        lock (_lock)
        {
            IEnumerable<Job> jobs = _current is { } current ? [current, .. _waiting] : _waiting;
            return [.. jobs.Select(j => j.Save).OfType<UploadedSave>().Where(s => !s.Handle.Committed.IsCompleted)];
        }
    }

    /// <summary>Nobody commits a save in this process any more: it is kept for the next one, where that may be.</summary>
    private void Leave(UploadedSave save, string why)
    {
        if (save.IsKept)
            _outcomes.Keep(save.Handle, new KeptSave(true, $"Step {save.Plan.Step} stays where it is kept: {why}"));
        else if (_spool is not { } spool)
            _outcomes.Drop(save.Handle, new UnavailableException($"Step {save.Plan.Step} is not saved: {why}"));
        else
            Keep(async () => _outcomes.Keep(save.Handle, await spool.KeepAsync(save, why)));
    }

    /// <summary>Once the cluster has been away for long, what waits is noted on the disk; it is committed here all the same when it is back.</summary>
    private void NoteIfLong()
    {
        if (_spool is not { } spool || _silo.AwayFor < spool.After || _silo.Problem is not { } why || !_keeping.IsCompleted)
            return;
        foreach (var save in Saves().Where(s => !s.IsKept))
            Keep(() => spool.KeepAsync(save, why));
    }

    private void Keep(Func<Task> keepAsync)
    {
        lock (_lock)
            _keeping = InTurnAsync(_keeping, keepAsync);
    }

    private async Task InTurnAsync(Task before, Func<Task> keepAsync)
    {
        await Task.Yield();
        await before;
        try
        {
            await keepAsync();
        }
        catch (Exception error)
        {
            _logger.SpoolLeft(_run, ExitCode.Reason(error));
        }
    }

    private Job? TakeNext()
    {
        lock (_lock)
        {
            _current = _waiting.First?.Value;
            if (_current is not null)
                _waiting.RemoveFirst();
            return _current;
        }
    }

    private async Task WorkAsync()
    {
        try
        {
            while (true)
            {
                await _arrived.WaitAsync(_ending.Token);
                if (TakeNext() is not { } job)
                    continue;
                await (job.Save is { } save ? DeliverAsync(save) : AbandonAsync(job.Plan, job.Reason));
                lock (_lock)
                    _current = null;
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The run ends; what was being delivered is the current one still.
        }
    }

    /// <summary>Whatever goes wrong with one save, those behind it are delivered.</summary>
    private async Task DeliverAsync(UploadedSave save)
    {
        (SnapshotId Snapshot, FencingToken Token)? claim = null;
        try
        {
            var token = await _commit.TokenAsync();
            var snapshot = await _commit.BeginAsync(token, save.Plan);
            claim = (snapshot, token);
            await _commit.CompleteShardAsync(save, snapshot, token);
            claim = null;
            _outcomes.Report(save.Handle, SaveStage.ShardCompleted);
            await CommittedAsync(save, await _commit.UntilSettledAsync(snapshot, save.Plan.Step), snapshot);
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception error)
        {
            _outcomes.Fail(save.Handle, error);
            if (_spool is { } spool)
                Keep(() => spool.ForgetAsync(save.Handle));
            if (claim is var (begun, right))
                await _commit.AbandonAsync(begun, right, ExitCode.Reason(error));
        }
    }

    private async Task CommittedAsync(UploadedSave save, SnapshotLink link, SnapshotId snapshot)
    {
        _watch.Committed(save.ItemVersions, save.Plan.Step, link.Sequence);
        _logger.Committed(_run, link.Sequence, save.Plan.Step);
        await _opening.MovedToAsync(link);
        save.Handle.Commit(link, () => _commit.UntilFinalAsync(snapshot));
        if (_spool is { } spool)
            Keep(() => spool.CommittedAsync(link, save.Handle));
        _outcomes.Report(save.Handle, SaveStage.Committed);
    }

    private async Task AbandonAsync(SnapshotPlan plan, string reason)
    {
        try
        {
            var token = await _commit.TokenAsync();
            await _commit.AbandonAsync(await _commit.BeginAsync(token, plan), token, reason);
        }
        catch (Exception error) when (error is not OperationCanceledException || !_ending.IsCancellationRequested)
        {
            // It is over already, or the others will find out when time runs out.
        }
    }

    private async Task UntilEndedAsync(Task task) =>
        await Task.WhenAny(task, Task.Delay(EndPatience, _time));

    /// <summary>A save to deliver, or, where there is none, one to tell the others of that it is given up.</summary>
    private sealed record Job(UploadedSave? Save, SnapshotPlan Plan, string Reason);
}
