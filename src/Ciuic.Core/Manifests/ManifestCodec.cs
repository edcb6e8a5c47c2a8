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
        ManifestRules.CheckLabels(manifest.Labels);
        return Encode(manifest, ManifestJson.Default.Manifest, "root manifest", ManifestLimits.MaxManifestBytes);
    }

    /// <summary>The bytes of a shard manifest.</summary>
    /// <exception cref="InvalidInputException">The manifest breaks a rule of the format.</exception>
    public static byte[] Encode(ShardManifest manifest)
    {
        ShardManifestRules.Check(manifest);
        return Encode(manifest, ManifestJson.Default.ShardManifest, "shard manifest", ManifestLimits.MaxShardManifestBytes);
    }

    /// <summary>Reads a root manifest.</summary>
    /// <exception cref="InvalidInputException">The bytes are no valid root manifest; the message says why.</exception>
    public static Manifest DecodeManifest(ReadOnlySpan<byte> bytes)
    {
        var manifest = Decode(
            bytes, ManifestJson.Default.Manifest, "root manifest", ManifestLimits.MaxManifestBytes);
        ManifestRules.Check(manifest);
        return manifest.Labels.Values.Contains(null!) ? manifest with { Labels = Texts(manifest.Labels) } : manifest;
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

    /// <summary>Older versions have taken labels without a text; nobody who reads them expects that.</summary>
    private static SortedDictionary<string, string> Texts(IEnumerable<KeyValuePair<string, string>> labels) =>
        new(labels.ToDictionary(l => l.Key, l => l.Value ?? ""), StringComparer.Ordinal);

    /// <summary>What nobody could read again is not written.</summary>
    private static byte[] Encode<T>(T manifest, JsonTypeInfo<T> type, string what, int maxBytes)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(manifest, type);
        return bytes.Length <= maxBytes
            ? bytes
            : throw new InvalidInputException($"A {what} of {bytes.Length} bytes is refused: at most {maxBytes}.");
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
