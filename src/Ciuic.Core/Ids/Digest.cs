using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>A SHA-256 value, 32 bytes; prints as 64 lower-case hex digits.</summary>
[JsonConverter(typeof(ParsableJsonConverter<Digest>))]
public readonly struct Digest : IEquatable<Digest>, IComparable<Digest>, IParsable<Digest>
{
    /// <summary>Length of a digest in bytes.</summary>
    public const int Size = 32;

    private readonly Bytes32 _bytes;

    /// <summary>Takes over the 32 bytes of a computed hash.</summary>
    /// <exception cref="InvalidInputException">The span does not hold 32 bytes.</exception>
    public Digest(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
            throw new InvalidInputException($"A digest has {Size} bytes, not {bytes.Length}.");
        bytes.CopyTo(_bytes);
    }

    /// <summary>The 32 bytes.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ReadOnlySpan<byte> Span => _bytes;

    /// <summary>SHA-256 of the given bytes.</summary>
    public static Digest Of(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[Size];
        SHA256.HashData(content, hash);
        return new Digest(hash);
    }

    /// <summary>A copy of the 32 bytes.</summary>
    public byte[] ToArray() => Span.ToArray();

    /// <inheritdoc/>
    public static Digest Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var digest)
            ? digest
            : throw new InvalidInputException($"'{s}' is not a digest: 64 lower-case hex digits are needed.");

    /// <inheritdoc/>
    public static bool TryParse(string? s, IFormatProvider? provider, out Digest result)
    {
        result = default;
        if (s is not { Length: 2 * Size } || s.AsSpan().ContainsAnyExcept("0123456789abcdef"))
            return false;
        result = new Digest(Convert.FromHexString(s));
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(Digest other) => Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Digest other && Equals(other);

    /// <summary>
    /// Of all bytes and a seed of this process: others choose the names that they send, and could choose them so that a table of them is slow.
    /// </summary>
    public override int GetHashCode() => string.GetHashCode(MemoryMarshal.Cast<byte, char>(Span));

    /// <inheritdoc/>
    public int CompareTo(Digest other) => Span.SequenceCompareTo(other.Span);

    /// <inheritdoc/>
    public override string ToString() => Convert.ToHexStringLower(Span);

    /// <summary>The first 12 hex digits: enough to recognize a snapshot in a table.</summary>
    public string ToShortString() => ToString()[..12];

    /// <summary>Equality of all 32 bytes.</summary>
    public static bool operator ==(Digest left, Digest right) => left.Equals(right);

    /// <summary>Inequality of any byte.</summary>
    public static bool operator !=(Digest left, Digest right) => !left.Equals(right);

    [InlineArray(Size)]
    private struct Bytes32
    {
        private byte _first;
    }
}
