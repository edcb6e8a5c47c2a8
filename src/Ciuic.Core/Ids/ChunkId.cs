using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>The name of a chunk: the SHA-256 of its plain bytes, whatever codec stored them.</summary>
[JsonConverter(typeof(ParsableJsonConverter<ChunkId>))]
public readonly record struct ChunkId(Digest Digest) : IParsable<ChunkId>
{
    /// <summary>Names the given bytes.</summary>
    public static ChunkId Of(ReadOnlySpan<byte> content) => new(Digest.Of(content));

    /// <inheritdoc/>
    public static ChunkId Parse(string s, IFormatProvider? provider = null) => new(Digest.Parse(s, provider));

    /// <inheritdoc/>
    public static bool TryParse(string? s, IFormatProvider? provider, out ChunkId result)
    {
        var ok = Digest.TryParse(s, provider, out var digest);
        result = new ChunkId(digest);
        return ok;
    }

    /// <inheritdoc/>
    public override string ToString() => Digest.ToString();
}
