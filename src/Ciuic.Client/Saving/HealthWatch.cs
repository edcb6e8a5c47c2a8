using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>Says which tensors of a save hold numbers that are none.</summary>
internal sealed class HealthWatch(RunId run, SaveOptions options, ILogger logger)
{
    /// <summary>The label of a snapshot that holds NaN or infinity.</summary>
    public const string Label = "non_finite";

    private const int MaxNamed = 10;

    /// <summary>Warns, and gives the snapshot its label where that is asked for.</summary>
    public SnapshotPlan Judge(SnapshotPlan plan, StateHealth health)
    {
        if (health.NonFinite.Count == 0)
            return plan;
        var more = health.NonFinite.Count > MaxNamed ? $" and {health.NonFinite.Count - MaxNamed} more" : "";
        var names = string.Join(", ", health.NonFinite.Take(MaxNamed)) + more;
        logger.NonFinite(run, plan.Step, names);
        return options.NonFinite == NonFiniteCheck.Tag
            ? plan with { Labels = new(plan.Labels) { [Label] = names[..Math.Min(names.Length, ManifestLimits.MaxNameLength)] } }
            : plan;
    }
}
