using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>The SHA-256 of a shard manifest's bytes.</summary>
[JsonConverter(typeof(ParsableJsonConverter<ShardDigest>))]
public readonly record struct ShardDigest(Digest Digest) : IParsable<ShardDigest>
{
    /// <summary>Names the given bytes.</summary>
    public static ShardDigest Of(ReadOnlySpan<byte> content) => new(Digest.Of(content));

    /// <inheritdoc/>
    public static ShardDigest Parse(string s, IFormatProvider? provider = null) => new(Digest.Parse(s, provider));

    /// <inheritdoc/>
    public static bool TryParse(string? s, IFormatProvider? provider, out ShardDigest result)
    {
        var ok = Digest.TryParse(s, provider, out var digest);
        result = new ShardDigest(digest);
        return ok;
    }

    /// <inheritdoc/>
    public override string ToString() => Digest.ToString();
}
