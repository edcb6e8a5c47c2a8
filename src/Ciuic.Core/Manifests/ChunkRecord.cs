using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>One chunk: a shard's chunks' plain bytes, one after the other, are the shard's bytes.</summary>
public sealed record ChunkRecord
{
    /// <summary>SHA-256 of the plain bytes.</summary>
    [JsonPropertyName("id"), JsonPropertyOrder(1)]
    public required ChunkId Id { get; init; }

    /// <summary>Plain bytes, 1 to 64 MiB.</summary>
    [JsonPropertyName("length"), JsonPropertyOrder(2)]
    public required int Length { get; init; }

    /// <summary>The chunk of the same length that it is stored as the difference to; null where it is stored whole.</summary>
    [JsonPropertyName("base"), JsonPropertyOrder(3)]
    public ChunkId? Base { get; init; }
}
