using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>Saves of a run that are on their way: what the end of a program waits for.</summary>
/// <param name="run">The run.</param>
/// <param name="options">How long they are waited for.</param>
/// <param name="moves">Whether anything moves.</param>
/// <param name="stopping">Cancelled when the process was told to end.</param>
/// <param name="time">The clock.</param>
internal sealed class UnfinishedSaves(RunId run, SaveOptions options, Movement moves, CancellationToken stopping, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly List<SaveHandle> _saves = [];
    private long _gaveUpAt = -1;
    private bool _gaveUpTold;

    /// <summary>Whether anything has come closer to its end within this time, and nobody is waiting for this process to end.</summary>
    public bool AreWorthWaiting(TimeSpan within) => moves.Still < within && !stopping.IsCancellationRequested;

    /// <summary>How many have no outcome yet.</summary>
    public int Count => Unended().Count;

    /// <summary>What keeps them from being committed, for messages.</summary>
    public Func<string?> Problem { get; set; } = () => null;

    public void Add(SaveHandle save)
    {
        moves.Mark();
        lock (_lock)
        {
            _saves.RemoveAll(s => s.Committed.IsCompleted);
            _saves.Add(save);
        }
    }

    /// <summary>Those that have no outcome yet.</summary>
    public IReadOnlyList<SaveHandle> Unended()
    {
        lock (_lock)
            return [.. _saves.Where(s => !s.Committed.IsCompleted)];
    }

    /// <inheritdoc cref="TrainingRun.FinishAsync"/>
    public async Task FinishAsync(CancellationToken cancel)
    {
        SaveHandle[] saves;
        lock (_lock)
            saves = [.. _saves];
        if (saves.Length == 0)
            return;
        if (await UntilEndedAsync(saves, null, cancel))
            await saves[^1].Committed; // what has become of the last one is the caller's to know
        else
            throw new UnavailableException(Late(saves.First(s => !s.Committed.IsCompleted)));
    }

    /// <summary>Waits for all, but not in vain.</summary>
    /// <param name="saves">What to wait for.</param>
    /// <param name="deadline">How long, whether they move or not; null: as the settings say.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <returns>Whether all have an outcome.</returns>
    public async Task<bool> UntilEndedAsync(IReadOnlyList<SaveHandle> saves, TimeSpan? deadline, CancellationToken cancel)
    {
        var all = Task.WhenAll(saves.Select(s => s.Outcome));
        var begin = time.GetTimestamp();
        while (!all.IsCompleted)
        {
            var isTold = stopping.IsCancellationRequested;
            var left = Left(deadline, isTold, time.GetElapsedTime(begin));
            if (left <= TimeSpan.Zero)
            {
                (_gaveUpAt, _gaveUpTold) = (moves.Count, isTold);
                return false;
            }

            using var look = CancellationTokenSource.CreateLinkedTokenSource(cancel, isTold ? CancellationToken.None : stopping);
            await Task.WhenAny(all, Task.Delay(left, time, look.Token));
            cancel.ThrowIfCancellationRequested();
            if (!isTold && stopping.IsCancellationRequested)
                begin = time.GetTimestamp(); // from now on the time for ending counts
        }

        return true;
    }

    /// <summary>Waits for them all.</summary>
    /// <returns>The code for the end of the process; the log and the handle have told what it stands for.</returns>
    public async Task<int> OutcomeAsync()
    {
        try
        {
            await FinishAsync(CancellationToken.None);
            return ExitCode.Ok;
        }
        catch (Exception error)
        {
            return ExitCode.For(error);
        }
    }

    /// <summary>Who has given up once and sees that nothing has moved since does not wait again.</summary>
    private TimeSpan Left(TimeSpan? deadline, bool isTold, TimeSpan waited)
    {
        if (deadline is { } said)
            return said - waited;
        if (isTold)
            return _gaveUpTold ? TimeSpan.Zero : options.TerminateDeadline - waited;
        var still = moves.Still < waited || moves.Count == _gaveUpAt ? moves.Still : waited;
        return options.FinishDeadline - still;
    }

    private string Late(SaveHandle late)
    {
        var limit = stopping.IsCancellationRequested
            ? $"within Ciuic:Save:TerminateDeadline ({options.TerminateDeadline}) after the process was told to end"
            : $"and nothing has moved for Ciuic:Save:FinishDeadline ({options.FinishDeadline})";
        var why = Problem() is { } problem ? $": {problem}" : ".";
        return $"Run {run}: step {late.Step} is NOT COMMITTED {limit}{why}";
    }
}
