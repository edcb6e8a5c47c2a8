using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>A verifier key as its text.</summary>
public sealed class VerifierKeyJsonConverter : JsonConverter<VerifierKey>
{
    /// <inheritdoc/>
    public override VerifierKey Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        try
        {
            return VerifierKey.Parse(reader.GetString()!);
        }
        catch (Exception error) when (error is InvalidInputException or InvalidOperationException)
        {
            throw new JsonException($"a verifier key is needed here: {error.Message}");
        }
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, VerifierKey value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
