using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>One spelling out, strict reading in: no unknown, missing, doubled or null member passes.</summary>
[JsonSourceGenerationOptions(
    AllowDuplicateProperties = false,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    GenerationMode = JsonSourceGenerationMode.Metadata,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    MaxDepth = 16,
    Converters = [typeof(TimeJsonConverter)])]
[JsonSerializable(typeof(Manifest))]
[JsonSerializable(typeof(ShardManifest))]
[JsonSerializable(typeof(LedgerRecord))]
[JsonSerializable(typeof(KeyRotation.Line))]
internal sealed partial class ManifestJson : JsonSerializerContext;

internal sealed class DTypeJsonConverter : JsonConverter<DType>
{
    public override DType Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && DTypes.TryParse(reader.GetString()!, out var dtype)
            ? dtype
            : throw new JsonException("an element type such as float32 is needed here");

    public override void Write(Utf8JsonWriter writer, DType value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Name());
}

/// <summary>UTC, milliseconds, one spelling: 2026-11-24T03:39:43.000Z.</summary>
internal sealed class TimeJsonConverter : JsonConverter<DateTimeOffset>
{
    private const string Spelling = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String
        && DateTimeOffset.TryParseExact(
            reader.GetString(),
            Spelling,
            System.Globalization.CultureInfo.InvariantCulture,
            System.Globalization.DateTimeStyles.AssumeUniversal,
            out var time)
            ? time
            : throw new JsonException("a time such as 2026-11-24T03:39:43.000Z is needed here");

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(
            value.UtcDateTime.ToString(Spelling, System.Globalization.CultureInfo.InvariantCulture));
}
