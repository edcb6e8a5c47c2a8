using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>The SHA-256 of a root manifest's bytes: the identity of a snapshot.</summary>
[JsonConverter(typeof(ParsableJsonConverter<ManifestDigest>))]
public readonly record struct ManifestDigest(Digest Digest) : IParsable<ManifestDigest>
{
    /// <summary>Names the given bytes.</summary>
    public static ManifestDigest Of(ReadOnlySpan<byte> content) => new(Digest.Of(content));

    /// <inheritdoc/>
    public static ManifestDigest Parse(string s, IFormatProvider? provider = null) => new(Digest.Parse(s, provider));

    /// <inheritdoc/>
    public static bool TryParse(string? s, IFormatProvider? provider, out ManifestDigest result)
    {
        var ok = Digest.TryParse(s, provider, out var digest);
        result = new ManifestDigest(digest);
        return ok;
    }

    /// <inheritdoc/>
    public override string ToString() => Digest.ToString();
}
