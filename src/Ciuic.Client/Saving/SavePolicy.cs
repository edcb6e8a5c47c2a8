namespace Ciuic.Client;

/// <summary>
/// Decides when to save: any condition is enough. With a bound on the overhead, the interval between two saves follows what
/// a save is measured to hold training up and what a step is measured to take.
/// </summary>
internal sealed class SavePolicy(SaveOptions options, TimeProvider time)
{
    /// <summary>Weight of a new measurement: about the last ten count.</summary>
    private const double Weight = 0.1;

    private long _lastSave = time.GetTimestamp();
    private long _lastLook = time.GetTimestamp();
    private long _lastStep;
    private long _savedStep;

    /// <summary>What a step takes without saving; null before two were seen.</summary>
    public TimeSpan? StepTime { get; private set; }

    /// <summary>What a save holds training up; null before the first.</summary>
    public TimeSpan? Stall { get; private set; }

    /// <summary>Steps between two saves; null where they are not counted.</summary>
    public long? Interval => options.MaxOverhead > 0
        ? Measured ?? Math.Max(1, options.EverySteps)
        : options.EverySteps > 0 ? options.EverySteps : null;

    public bool IsDue(long step, bool endOfEpoch)
    {
        Look(step);
        return IsStepDue(step)
            || (options.EveryEpoch && endOfEpoch)
            || (options.EveryTime > TimeSpan.Zero && time.GetElapsedTime(_lastSave) >= options.EveryTime);
    }

    /// <summary>Takes note of a save, and of how long the trainer was held up by it.</summary>
    public void MarkSaved(long step, TimeSpan stall)
    {
        Stall = Mean(Stall, stall);
        _savedStep = step;
        _lastSave = _lastLook = time.GetTimestamp();
    }

    /// <summary>The smallest interval in which a save takes no larger part than it may.</summary>
    private long? Measured
    {
        get
        {
            if (Stall is not { } stall || StepTime is not { } step || step <= TimeSpan.Zero)
                return null;
            var steps = stall * (1 - options.MaxOverhead) / (options.MaxOverhead * step);
            return Math.Max(1, (long)Math.Ceiling(Math.Min(steps, 1e15)));
        }
    }

    private bool IsStepDue(long step)
    {
        if (step <= 0 || Interval is not { } interval)
            return false;
        return options.MaxOverhead > 0 ? step - _savedStep >= interval || step < _savedStep : step % interval == 0;
    }

    private void Look(long step)
    {
        var now = time.GetTimestamp();
        if (step == _lastStep + 1)
            StepTime = Mean(StepTime, time.GetElapsedTime(_lastLook, now));
        else if (_lastStep == 0)
            _savedStep = step - 1; // resumed: the snapshot is at hand
        (_lastStep, _lastLook) = (step, now);
    }

    private static TimeSpan Mean(TimeSpan? before, TimeSpan now) => before is { } known ? known + (Weight * (now - known)) : now;
}
