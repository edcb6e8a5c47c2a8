namespace Ciuic.Core;

/// <summary>What must hold in a root manifest beyond its JSON.</summary>
internal static class ManifestRules
{
    public static void Check(Manifest manifest)
    {
        Require(manifest.Format == Manifest.CurrentFormat,
            $"the format is '{manifest.Format}', this program reads {Manifest.CurrentFormat}");
        Require(manifest.Step >= 0, $"step {manifest.Step} is negative");
        Require(manifest.Epoch >= 0, $"epoch {manifest.Epoch} is negative");
        Require(manifest.NextSample >= 0, $"next_sample {manifest.NextSample} is negative");
        Require(manifest.WorldSize is > 0 and <= Rank.MaxWorldSize,
            $"world size {manifest.WorldSize} is not within 1 to {Rank.MaxWorldSize}");
        Require(manifest.Shards.Count == manifest.WorldSize,
            $"{manifest.Shards.Count} shards for a world size of {manifest.WorldSize}");
        Require(manifest.Parent is null || manifest.Parent.Sequence.CompareTo(manifest.Sequence) < 0,
            $"parent #{manifest.Parent?.Sequence} is not older than #{manifest.Sequence}");
        Require(manifest.Metrics.Count <= ManifestLimits.MaxLabels, $"{manifest.Metrics.Count} metrics");
        Require(manifest.Labels.Count <= ManifestLimits.MaxLabels, $"{manifest.Labels.Count} labels");
        foreach (var name in manifest.Metrics.Keys.Concat(manifest.Labels.Keys))
            Require(name.Length is > 0 and <= ManifestLimits.MaxNameLength, $"a name has {name.Length} characters");
    }

    private static void Require(bool holds, string complaint)
    {
        if (!holds)
            throw new InvalidInputException($"This is not a valid root manifest: {complaint}.");
    }
}
