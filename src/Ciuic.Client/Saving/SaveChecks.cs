using System.Text;
using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>What a save must hold to before anything is copied: the caller learns of it where he called, and nothing is begun for it.</summary>
internal sealed class SaveChecks(RunId run, ILogger logger)
{
    private long? _step;

    /// <summary>Whether training has said what it goes on from.</summary>
    public bool IsResumed { get; private set; }

    /// <summary>The run was resumed: steps count from there.</summary>
    public void Resumed(long step) => (IsResumed, _step) = (true, step);

    /// <summary>Training goes on from another snapshot: whatever its step is.</summary>
    public void WentBack() => (IsResumed, _step) = (true, null);

    /// <summary>Lets a save pass.</summary>
    /// <param name="plan">Its numbers and names.</param>
    /// <param name="tracked">What it would hold.</param>
    /// <param name="head">The head that it would come in front of, where nobody has said that this is meant; null where there is none.</param>
    /// <exception cref="InvalidInputException">It must not be.</exception>
    public void Require(SnapshotPlan plan, IReadOnlyCollection<ITrackedState> tracked, SnapshotLink? head)
    {
        if (tracked.Count == 0)
            throw new InvalidInputException($"Run {run} tracks nothing: call Track for the model and all that it is trained with, then save.");
        if (head is not null && !IsResumed)
        {
            throw new InvalidInputException(
                $"Run {run} has history (snapshot #{head.Sequence}), and this process has not resumed it: what it saves would be trained from "
                + "scratch and hide that. Call ResumeAsync first; to begin anew on purpose set Ciuic:Client:Resume to Never, or use another name.");
        }

        RequireNumbers(plan);
        RequireNames("metric", plan.Metrics.Keys);
        RequireNames("label", plan.Labels.Keys);
        RequireTexts(plan);
        if (_step > plan.Step)
            logger.StepFell(run, plan.Step, _step.Value);
        _step = plan.Step;
    }

    private static void RequireNumbers(SnapshotPlan plan)
    {
        foreach (var (name, value) in new[] { ("step", plan.Step), ("epoch", plan.Epoch), ("next sample", plan.NextSample) })
        {
            if (value < 0)
                throw new InvalidInputException($"The {name} is {value}; it counts from 0.");
        }
    }

    private static void RequireNames(string kind, IReadOnlyCollection<string> names)
    {
        if (names.Count > ManifestLimits.MaxLabels)
            throw new InvalidInputException($"There are {names.Count} {kind}s; a snapshot has at most {ManifestLimits.MaxLabels}.");
        foreach (var name in names.Where(n => n.Length is 0 or > ManifestLimits.MaxNameLength))
        {
            throw new InvalidInputException(
                $"The name of a {kind} has {name.Length} characters{(name.Length == 0 ? "" : $" (it begins with '{name[..40]}')")}; 1 to "
                + $"{ManifestLimits.MaxNameLength} are possible.");
        }
    }

    /// <summary>What the silo would say of them once the state is copied and stored.</summary>
    private static void RequireTexts(SnapshotPlan plan)
    {
        var all = 0L;
        foreach (var (name, text) in plan.Labels)
        {
            if (text is null)
                throw new InvalidInputException($"The label '{name}' is null; leave it out, or give it a text.");
            var bytes = Encoding.UTF8.GetByteCount(text);
            all += bytes + Encoding.UTF8.GetByteCount(name);
            if (bytes > ManifestLimits.MaxLabelBytes)
                throw new InvalidInputException($"The label '{name}' has {bytes} bytes; {ManifestLimits.MaxLabelBytes} are possible.");
        }

        if (all > ManifestLimits.MaxAllLabelBytes)
            throw new InvalidInputException($"The labels have {all} bytes together; {ManifestLimits.MaxAllLabelBytes} are possible.");
    }
}
