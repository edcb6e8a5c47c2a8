using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>A sequence is a JSON number.</summary>
public sealed class SequenceJsonConverter : JsonConverter<Sequence>
{
    /// <inheritdoc/>
    public override Sequence Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TryGetInt64(out var value) && value > 0
            ? new Sequence(value)
            : throw new JsonException("a sequence is a number from 1");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Sequence value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.Value);
}

/// <summary>A fencing token is a JSON number.</summary>
public sealed class FencingTokenJsonConverter : JsonConverter<FencingToken>
{
    /// <inheritdoc/>
    public override FencingToken Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TryGetUInt64(out var value) && value > 0
            ? new FencingToken(value)
            : throw new JsonException("a fencing token is a number from 1");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, FencingToken value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.Value);
}

/// <summary>A rank is a JSON number.</summary>
public sealed class RankJsonConverter : JsonConverter<Rank>
{
    /// <inheritdoc/>
    public override Rank Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TryGetInt32(out var value) && value is >= 0 and < Rank.MaxWorldSize
            ? new Rank(value)
            : throw new JsonException("a rank is a number from 0");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Rank value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.Value);
}
