using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>Named bytes that are no tensor: RNG state, loader state, settings as JSON.</summary>
public sealed record ByteRecord
{
    /// <summary>The item it belongs to, such as <c>rng</c>.</summary>
    [JsonPropertyName("item"), JsonPropertyOrder(1)]
    public required string Item { get; init; }

    /// <summary>Its name within the item.</summary>
    [JsonPropertyName("name"), JsonPropertyOrder(2)]
    public required string Name { get; init; }

    /// <summary>First byte within the shard's bytes.</summary>
    [JsonPropertyName("offset"), JsonPropertyOrder(3)]
    public required long Offset { get; init; }

    /// <summary>Bytes within the shard.</summary>
    [JsonPropertyName("length"), JsonPropertyOrder(4)]
    public required long Length { get; init; }
}
