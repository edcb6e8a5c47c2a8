using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Ciuic.Core;

/// <summary>
/// Manifests to bytes and back. Bytes are written once; a reader checks their digest and parses them, and
/// never writes them again to compare.
/// </summary>
public static class ManifestCodec
{
    /// <summary>The bytes of a root manifest.</summary>
    /// <exception cref="InvalidInputException">The manifest breaks a rule of the format.</exception>
    public static byte[] Encode(Manifest manifest)
    {
        ManifestRules.Check(manifest);
        return JsonSerializer.SerializeToUtf8Bytes(manifest, ManifestJson.Default.Manifest);
    }

    /// <summary>The bytes of a shard manifest.</summary>
    /// <exception cref="InvalidInputException">The manifest breaks a rule of the format.</exception>
    public static byte[] Encode(ShardManifest manifest)
    {
        ShardManifestRules.Check(manifest);
        return JsonSerializer.SerializeToUtf8Bytes(manifest, ManifestJson.Default.ShardManifest);
    }

    /// <summary>Reads a root manifest.</summary>
    /// <exception cref="InvalidInputException">The bytes are no valid root manifest; the message says why.</exception>
    public static Manifest DecodeManifest(ReadOnlySpan<byte> bytes)
    {
        var manifest = Decode(
            bytes, ManifestJson.Default.Manifest, "root manifest", ManifestLimits.MaxManifestBytes);
        ManifestRules.Check(manifest);
        return manifest;
    }

    /// <summary>Reads a shard manifest.</summary>
    /// <exception cref="InvalidInputException">The bytes are no valid shard manifest; the message says why.</exception>
    public static ShardManifest DecodeShard(ReadOnlySpan<byte> bytes)
    {
        var manifest = Decode(
            bytes, ManifestJson.Default.ShardManifest, "shard manifest", ManifestLimits.MaxShardManifestBytes);
        ShardManifestRules.Check(manifest);
        return manifest;
    }

    internal static T Decode<T>(ReadOnlySpan<byte> bytes, JsonTypeInfo<T> type, string what, int maxBytes)
        where T : class
    {
        if (bytes.Length > maxBytes)
            throw new InvalidInputException($"A {what} of {bytes.Length} bytes is refused: at most {maxBytes}.");
        try
        {
            return JsonSerializer.Deserialize(bytes, type)
                ?? throw new InvalidInputException($"This {what} is the word null.");
        }
        catch (JsonException error)
        {
            throw new InvalidInputException($"This is not a valid {what}: {error.Message}", error);
        }
    }
}
