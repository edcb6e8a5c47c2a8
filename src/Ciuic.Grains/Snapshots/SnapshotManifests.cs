using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>Root manifests from what run and ranks said. Pure: whoever builds it, the bytes are the same.</summary>
internal static class SnapshotManifests
{
    public static Manifest Build(SnapshotId id, SnapshotOrder order, IReadOnlyList<ShardDigest> shards) => new()
    {
        Format = Manifest.CurrentFormat,
        Run = id.Run,
        Sequence = id.Sequence,
        Parent = order.Parent,
        Step = order.Plan.Step,
        Epoch = order.Plan.Epoch,
        NextSample = order.Plan.NextSample,
        Metrics = Sorted(order.Plan.Metrics),
        Labels = Sorted(order.Plan.Labels),
        WorldSize = order.Plan.WorldSize,
        Token = order.Token,
        CreatedAt = order.CreatedAt,
        Trainer = order.Plan.Trainer,
        Shards = shards,
        Signer = order.Plan.Signer,
    };

    /// <summary>What a snapshot was begun with, from its root manifest: the inverse of <see cref="Build"/>.</summary>
    public static SnapshotOrder OrderOf(Manifest manifest) => new()
    {
        Plan = new SnapshotPlan
        {
            Step = manifest.Step,
            Epoch = manifest.Epoch,
            NextSample = manifest.NextSample,
            Metrics = manifest.Metrics.ToDictionary(),
            Labels = manifest.Labels.ToDictionary(),
            WorldSize = manifest.WorldSize,
            Trainer = manifest.Trainer,
            Signer = manifest.Signer,
        },
        Token = manifest.Token,
        Parent = manifest.Parent,
        CreatedAt = manifest.CreatedAt,
    };

    /// <summary>Refuses a plan before a sequence is spent on it.</summary>
    /// <exception cref="InvalidInputException">The plan breaks a rule of the root manifest.</exception>
    public static void CheckPlan(SnapshotPlan plan)
    {
        var order = new SnapshotOrder
        {
            Plan = plan,
            Token = new FencingToken(1),
            Parent = null,
            CreatedAt = DateTimeOffset.UnixEpoch,
        };
        var shards = new ShardDigest[Math.Clamp(plan.WorldSize, 0, Rank.MaxWorldSize)];
        ManifestCodec.Encode(Build(new SnapshotId(RunId.Parse("plan"), Sequence.First), order, shards));
    }

    private static SortedDictionary<string, T> Sorted<T>(Dictionary<string, T> values) =>
        new(values, StringComparer.Ordinal);
}
