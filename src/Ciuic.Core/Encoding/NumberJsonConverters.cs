using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ciuic.Core;

internal sealed class SequenceJsonConverter : JsonConverter<Sequence>
{
    public override Sequence Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TryGetInt64(out var value) && value > 0
            ? new Sequence(value)
            : throw new JsonException("a sequence is a number from 1");

    public override void Write(Utf8JsonWriter writer, Sequence value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.Value);
}

internal sealed class FencingTokenJsonConverter : JsonConverter<FencingToken>
{
    public override FencingToken Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TryGetUInt64(out var value) && value > 0
            ? new FencingToken(value)
            : throw new JsonException("a fencing token is a number from 1");

    public override void Write(Utf8JsonWriter writer, FencingToken value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.Value);
}

internal sealed class RankJsonConverter : JsonConverter<Rank>
{
    public override Rank Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TryGetInt32(out var value) && value is >= 0 and < Rank.MaxWorldSize
            ? new Rank(value)
            : throw new JsonException("a rank is a number from 0");

    public override void Write(Utf8JsonWriter writer, Rank value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.Value);
}
