using Ciuic.Contracts;

namespace Ciuic.Client;

/// <summary>How often to save, by Young and Daly: the interval that costs least in stalls and in work done twice.</summary>
/// <param name="Stall">What a save holds training up, as measured.</param>
/// <param name="StepTime">What a step takes, as measured.</param>
/// <param name="Failures">Attempts of the run that ended without giving their lease back.</param>
/// <param name="MeanTimeBetweenFailures">Time from the run's beginning per failure; of a run that never failed, as if it did now.</param>
/// <param name="Interval">sqrt(2 x stall x mean time between failures), at least a step.</param>
public sealed record IntervalAdvice(
    TimeSpan Stall, TimeSpan StepTime, int Failures, TimeSpan MeanTimeBetweenFailures, TimeSpan Interval)
{
    /// <summary>The interval in steps, 1 or more: a value for <c>Ciuic:Save:EverySteps</c>.</summary>
    public long Steps => Math.Max(1, (long)Math.Round(Interval / StepTime));

    /// <summary>Advice from what a run's history says.</summary>
    /// <param name="events">All events of the run, oldest first.</param>
    /// <param name="stall">What a save holds training up.</param>
    /// <param name="stepTime">What a step takes; more than zero.</param>
    /// <param name="now">The time now, UTC.</param>
    internal static IntervalAdvice Of(IReadOnlyList<RunEvent> events, TimeSpan stall, TimeSpan stepTime, DateTimeOffset now)
    {
        var failures = 0;
        var isOpen = false;
        foreach (var happened in events)
        {
            if (happened.Kind == RunEventKind.Opened && isOpen)
                failures++;
            isOpen = happened.Kind switch
            {
                RunEventKind.Opened => true,
                RunEventKind.Closed or RunEventKind.RolledBack or RunEventKind.Rebuilt => false,
                _ => isOpen,
            };
        }

        var age = events.Count == 0 ? TimeSpan.Zero : now - events[0].At;
        var between = age / Math.Max(1, failures);
        var interval = TimeSpan.FromSeconds(Math.Sqrt(2 * stall.TotalSeconds * Math.Max(0, between.TotalSeconds)));
        return new IntervalAdvice(stall, stepTime, failures, between, interval > stepTime ? interval : stepTime);
    }
}
