using Ciuic.Client;
using Ciuic.Core;

namespace Ciuic.Native;

/// <summary>
/// A run that the caller trains: its items come and go as he names them. Any thread may call; one save after the other takes its turn, each
/// with its own items, until all of them are copied.
/// </summary>
internal sealed class OpenRun
{
    /// <summary>How long closing waits for a call of another thread.</summary>
    private static readonly TimeSpan Moments = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _one = new(1);
    private readonly SemaphoreSlim _reading = new(1);
    private readonly SnapshotChain _chain;
    private readonly Dictionary<string, LiveState> _items = [];
    private readonly Dictionary<long, SaveHandle> _saves = [];
    private bool _isResumed;
    private bool _isClosed;

    public OpenRun(SnapshotChain chain, TrainingRun run)
    {
        (_chain, Run) = (chain, run);
        run.TrackRest(item => _items[item] = new LiveState(item));
    }

    public TrainingRun Run { get; }

    /// <summary>Finds the newest whole snapshot and reads all of it.</summary>
    public Task<(ResumeReport Report, List<SavedItem> Items)> ResumeAsync() => AloneAsync(ResumeNowAsync);

    /// <summary>Reads what a resume has brought into the staging memory: no save writes there meanwhile, and nothing frees it.</summary>
    /// <exception cref="InvalidInputException">The run is closed.</exception>
    public Task<T> ReadAsync<T>(Func<Task<T>> read) => AloneAsync(() => AloneAsync(_reading, () => _isClosed
        ? throw new InvalidInputException($"Run {Run.Id} is closed: what it was resumed from can be read by its number.")
        : ReadNowAsync(read)));

    /// <summary>A snapshot of the run in a few words; fewer where nobody can be asked.</summary>
    public async Task<SnapshotSummary> DescribeAsync(ResumeReport report, SnapshotLink from)
    {
        try
        {
            return Summary.Of(await _chain.History.FindAsync(Run.Id, new SnapshotRef.AtSequence(from.Sequence)));
        }
        catch (CiuicException)
        {
            return Summary.Of(report, from);
        }
    }

    /// <summary>Whether a save is due.</summary>
    public Task<bool> IsDueAsync(long step, bool endOfEpoch) => AloneAsync(() => Task.FromResult(Run.ShouldSave(step, endOfEpoch)));

    /// <summary>What is trained from now on was loaded from this snapshot.</summary>
    public Task ContinueFromAsync(SnapshotLink from, string reason) => AloneAsync(async () =>
    {
        await Run.ContinueFromAsync(from, reason);
        return true;
    });

    /// <summary>
    /// Saves what the caller's memory holds now; it is his again when this returns. The save is listed before that: one whose answer
    /// never reaches a caller who was interrupted is found among <see cref="Saves"/>.
    /// </summary>
    public Task<SaveHandle> SaveAsync(SaveArguments save, Func<SaveHandle, long> add) => AloneAsync(async () =>
    {
        // Whoever begins without looking at what is there continues the chain from scratch.
        if (!_isResumed)
            await ResumeNowAsync();
        SetItems(save.Items);
        try
        {
            var handle = await Run.SaveAsync(new TrainingProgress(save.Step, save.Epoch, save.NextSample), save.Metrics, save.Labels);
            lock (_saves)
                _saves[add(handle)] = handle;
            return handle;
        }
        finally
        {
            foreach (var item in _items.Values)
                item.Clear();
        }
    });

    /// <summary>Saves that the caller has not closed, by their numbers, oldest first.</summary>
    public (long Id, SaveHandle Save)[] Saves()
    {
        lock (_saves)
            return [.. _saves.OrderBy(s => s.Key).Select(s => (s.Key, s.Value))];
    }

    /// <summary>The caller has closed a save.</summary>
    public void Forget(long save)
    {
        lock (_saves)
            _saves.Remove(save);
    }

    /// <summary>
    /// Closes the run: what is not committed when the time is over is kept on this machine. What another thread has begun is let finish, but a
    /// call that waits for a store holds nobody up for ever; the run frees no memory under it.
    /// </summary>
    public async Task CloseAsync(TimeSpan deadline)
    {
        var isAlone = await _one.WaitAsync(Moments);
        try
        {
            var isRead = await _reading.WaitAsync(Moments);
            _isClosed = true;
            if (isRead)
                _reading.Release();
            await Run.CloseAsync(deadline);
        }
        finally
        {
            if (isAlone)
                _one.Release();
        }
    }

    private async Task<T> ReadNowAsync<T>(Func<Task<T>> read)
    {
        using var call = Run.BeginReading();
        return await read();
    }

    private Task<T> AloneAsync<T>(Func<Task<T>> call) => AloneAsync(_one, call);

    private static async Task<T> AloneAsync<T>(SemaphoreSlim turn, Func<Task<T>> call)
    {
        await turn.WaitAsync();
        try
        {
            return await call();
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task<(ResumeReport Report, List<SavedItem> Items)> ResumeNowAsync()
    {
        var report = await Run.ResumeAsync();
        _isResumed = true;
        return (report, [.. _items.Values.Select(i => i.Saved).OfType<SavedItem>()]);
    }

    private void SetItems(LiveItem[] items)
    {
        if (items.Select(i => i.Item).Distinct().Count() < items.Length)
            throw new InvalidInputException("An item is named twice.");
        foreach (var item in _items.Values)
            item.Clear();
        foreach (var item in items)
            Of(item.Item).Set(item);
    }

    private LiveState Of(string item)
    {
        if (_items.TryGetValue(item, out var known))
            return known;
        var state = new LiveState(item);
        Run.Track(state);
        return _items[item] = state;
    }
}
