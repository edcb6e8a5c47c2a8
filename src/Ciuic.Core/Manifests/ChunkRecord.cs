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

    /// <summary>
    /// The chunk of the same length that it is stored as the difference to, or that is moved to predict it; null where it is
    /// stored whole.
    /// </summary>
    [JsonPropertyName("base"), JsonPropertyOrder(3)]
    public ChunkId? Base { get; init; }

    /// <summary>Another chunk of the same length that it is predicted from; null where it is not predicted.</summary>
    [JsonPropertyName("input1"), JsonPropertyOrder(4)]
    public ChunkId? Input1 { get; init; }

    /// <summary>A third one; there is none, or a base and both.</summary>
    [JsonPropertyName("input2"), JsonPropertyOrder(5)]
    public ChunkId? Input2 { get; init; }

    /// <summary>The chunks that it cannot be read without: none, its base, or its base and both inputs.</summary>
    [JsonIgnore]
    public IEnumerable<ChunkId> Sources
    {
        get
        {
            if (Base is { } basis)
                yield return basis;
            if (Input1 is { } input1)
                yield return input1;
            if (Input2 is { } input2)
                yield return input2;
        }
    }
}
