using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>One tensor, or one rank's slice of it, as it lies in its shard.</summary>
public sealed record TensorRecord
{
    /// <summary>The item it belongs to, such as <c>model</c>.</summary>
    [JsonPropertyName("item"), JsonPropertyOrder(1)]
    public required string Item { get; init; }

    /// <summary>Its name within the item, such as <c>blocks.0.attention.weight</c>.</summary>
    [JsonPropertyName("name"), JsonPropertyOrder(2)]
    public required string Name { get; init; }

    /// <summary>Element type.</summary>
    [JsonPropertyName("dtype"), JsonPropertyOrder(3)]
    public required DType DType { get; init; }

    /// <summary>Extent per dimension, row-major; empty for a scalar, a zero extent means no elements.</summary>
    [JsonPropertyName("shape"), JsonPropertyOrder(4)]
    public required IReadOnlyList<long> Shape { get; init; }

    /// <summary>Shape of the whole tensor where this is a slice; null where it is whole.</summary>
    [JsonPropertyName("global_shape"), JsonPropertyOrder(5)]
    public IReadOnlyList<long>? GlobalShape { get; init; }

    /// <summary>Where the slice begins in the whole tensor, per dimension; null where it is whole.</summary>
    [JsonPropertyName("global_offset"), JsonPropertyOrder(6)]
    public IReadOnlyList<long>? GlobalOffset { get; init; }

    /// <summary>First byte within the shard's bytes.</summary>
    [JsonPropertyName("offset"), JsonPropertyOrder(7)]
    public required long Offset { get; init; }

    /// <summary>Bytes within the shard.</summary>
    [JsonPropertyName("length"), JsonPropertyOrder(8)]
    public required long Length { get; init; }

    /// <summary>
    /// Its place among the tensors of its item as this rank had them, from 0, those that other ranks store counted too. Null where one
    /// rank saves alone, because the list is in that order, and in what earlier versions wrote.
    /// </summary>
    [JsonPropertyName("order"), JsonPropertyOrder(9)]
    public int? Order { get; init; }

    /// <summary>Shape of the whole tensor, whether this is a slice or not.</summary>
    [JsonIgnore]
    public IReadOnlyList<long> WholeShape => GlobalShape ?? Shape;

    /// <summary>Its elements within the whole tensor.</summary>
    [JsonIgnore]
    public TensorBox Box => GlobalOffset is { } offset ? new TensorBox(offset, Shape) : TensorBox.Whole(Shape);
}
