using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>Says what saves notice of the state: numbers that are none, items that nothing trains. Used by one upload at a time.</summary>
internal sealed class HealthWatch(RunId run, SaveOptions options, ILogger logger)
{
    /// <summary>The label of a snapshot that holds NaN or infinity.</summary>
    public const string Label = "non_finite";

    private const int MaxNamed = 10;

    private readonly HashSet<string> _frozen =
        [.. options.FrozenItems.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];

    private readonly HashSet<string> _standing = [];
    private long? _stepBefore;

    /// <summary>Warns, and gives the snapshot its label where that is asked for.</summary>
    public SnapshotPlan Judge(SnapshotPlan plan, StateHealth health)
    {
        WarnOfUnchanged(plan.Step, health.Unchanged);
        if (health.NonFinite.Count == 0)
            return plan;
        var more = health.NonFinite.Count > MaxNamed ? $" and {health.NonFinite.Count - MaxNamed} more" : "";
        var names = string.Join(", ", health.NonFinite.Take(MaxNamed)) + more;
        logger.NonFinite(run, plan.Step, names);
        return options.NonFinite == NonFiniteCheck.Tag
            ? plan with { Labels = new(plan.Labels) { [Label] = names[..Math.Min(names.Length, ManifestLimits.MaxNameLength)] } }
            : plan;
    }

    /// <summary>Once for each item, until it changes again. The same step saved twice has every reason to be the same.</summary>
    private void WarnOfUnchanged(long step, IReadOnlyList<string> unchanged)
    {
        _standing.IntersectWith(unchanged);
        if (_stepBefore is { } before && before != step)
        {
            foreach (var item in unchanged.Where(i => !_frozen.Contains(i) && _standing.Add(i)))
                logger.Unchanged(run, item, before, step);
        }

        _stepBefore = step;
    }
}
