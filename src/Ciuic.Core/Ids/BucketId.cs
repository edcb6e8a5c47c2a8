using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>
/// Which bucket it is, whatever path or name leads to it: 16 random bytes that its first silo made, in hex. A copy of a bucket has
/// the same; what became of either since is told by their ledgers.
/// </summary>
[JsonConverter(typeof(ParsableJsonConverter<BucketId>))]
public readonly record struct BucketId : IParsable<BucketId>
{
    /// <summary>Its length in bytes.</summary>
    public const int Size = 16;

    private readonly string? _hex;

    /// <summary>Takes over random bytes.</summary>
    /// <exception cref="ArgumentException">They are not <see cref="Size"/> bytes.</exception>
    public BucketId(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
            throw new ArgumentException($"A BucketId has {Size} bytes.", nameof(bytes));
        _hex = Convert.ToHexStringLower(bytes);
    }

    private BucketId(string hex) => _hex = hex;

    /// <inheritdoc/>
    public static BucketId Parse(string s, IFormatProvider? provider = null) => TryParse(s, provider, out var id)
        ? id
        : throw new InvalidInputException($"'{s}' is no identity of a bucket: {2 * Size} lower-case hex digits.");

    /// <inheritdoc/>
    public static bool TryParse(string? s, IFormatProvider? provider, out BucketId result)
    {
        var isOne = s is { Length: 2 * Size } && s.All(char.IsAsciiHexDigitLower);
        result = isOne ? new BucketId(s!) : default;
        return isOne;
    }

    /// <inheritdoc/>
    public override string ToString() => _hex ?? throw new InvalidOperationException("A BucketId has no default value.");
}
