using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Native;

/// <summary>Snapshots in a few words, from what is at hand of them.</summary>
internal static class Summary
{
    public static SnapshotSummary Of(SnapshotView view) => new()
    {
        Run = view.Run.Value,
        Sequence = view.Sequence.Value,
        Manifest = view.Manifest?.ToString() ?? "",
        Step = view.Order.Plan.Step,
        Epoch = view.Order.Plan.Epoch,
        NextSample = view.Order.Plan.NextSample,
        Parent = view.Order.Parent?.Sequence.Value ?? 0,
        CreatedAt = ToManifest(view.Order.CreatedAt),
        Metrics = view.Order.Plan.Metrics,
        Labels = view.Order.Plan.Labels,
    };

    public static SnapshotSummary Of(SavedSnapshot saved) => new()
    {
        Run = saved.Manifest.Run.Value,
        Sequence = saved.Link.Sequence.Value,
        Manifest = saved.Link.Manifest.ToString(),
        Step = saved.Manifest.Step,
        Epoch = saved.Manifest.Epoch,
        NextSample = saved.Manifest.NextSample,
        Parent = saved.Manifest.Parent?.Sequence.Value ?? 0,
        CreatedAt = ToManifest(saved.Manifest.CreatedAt),
        Metrics = saved.Manifest.Metrics,
        Labels = saved.Manifest.Labels,
    };

    /// <summary>What a resume knows: without a silo there is nobody to ask for the rest.</summary>
    public static SnapshotSummary Of(ResumeReport report, SnapshotLink from) => new()
    {
        Run = report.Run.Value,
        Sequence = from.Sequence.Value,
        Manifest = from.Manifest.ToString(),
        Step = report.Progress.Step,
        Epoch = report.Progress.Epoch,
        NextSample = report.Progress.NextSample,
        Parent = 0,
        CreatedAt = null,
        Metrics = new Dictionary<string, double>(),
        Labels = new Dictionary<string, string>(),
    };

    /// <summary>As finely as manifests say it: one snapshot has one time, whoever was asked.</summary>
    private static DateTimeOffset ToManifest(DateTimeOffset at) => DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds());
}
