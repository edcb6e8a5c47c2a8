using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>One chunk of a shard: the chunks' plain bytes, one after the other, are the shard's bytes.</summary>
public sealed record ChunkRecord
{
    /// <summary>SHA-256 of the plain bytes.</summary>
    [JsonPropertyName("id"), JsonPropertyOrder(1)]
    public required ChunkId Id { get; init; }

    /// <summary>Plain bytes, 1 to 64 MiB.</summary>
    [JsonPropertyName("length"), JsonPropertyOrder(2)]
    public required int Length { get; init; }
}
