using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>Points to a snapshot of the same run by place and by content.</summary>
public sealed record SnapshotLink
{
    /// <summary>Where it is.</summary>
    [JsonPropertyName("sequence"), JsonPropertyOrder(1)]
    public required Sequence Sequence { get; init; }

    /// <summary>What it is.</summary>
    [JsonPropertyName("manifest"), JsonPropertyOrder(2)]
    public required ManifestDigest Manifest { get; init; }
}
