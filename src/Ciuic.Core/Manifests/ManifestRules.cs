using System.Text;

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

    /// <summary>What is asked of labels that are written now; older versions have taken more.</summary>
    /// <exception cref="InvalidInputException">A label is too long, or has no text.</exception>
    public static void CheckLabels(IReadOnlyDictionary<string, string> labels)
    {
        var all = 0L;
        foreach (var (name, text) in labels)
        {
            if (text is null)
                throw new InvalidInputException($"The label '{name}' has no text (null, or None in Python): leave it out, or give it one.");
            var bytes = Encoding.UTF8.GetByteCount(text);
            all += bytes + Encoding.UTF8.GetByteCount(name);
            if (bytes > ManifestLimits.MaxLabelBytes)
                throw new InvalidInputException($"The label '{name}' has {bytes} bytes: at most {ManifestLimits.MaxLabelBytes} are kept of one.");
        }

        if (all > ManifestLimits.MaxAllLabelBytes)
            throw new InvalidInputException($"The labels have {all} bytes together: at most {ManifestLimits.MaxAllLabelBytes} are kept.");
    }

    private static void Require(bool holds, string complaint)
    {
        if (!holds)
            throw new InvalidInputException($"This is not a valid root manifest: {complaint}.");
    }
}
