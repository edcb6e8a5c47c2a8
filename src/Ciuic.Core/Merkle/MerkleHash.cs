using System.Security.Cryptography;

namespace Ciuic.Core;

/// <summary>The hashes of RFC 6962 section 2.1: leaves and nodes are told apart by their first byte.</summary>
public static class MerkleHash
{
    /// <summary>Root of the tree without leaves: SHA-256 of nothing.</summary>
    public static Digest Empty { get; } = Digest.Of([]);

    /// <summary>SHA-256(0x00 || entry).</summary>
    public static Digest Leaf(ReadOnlySpan<byte> entry)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([0x00]);
        hash.AppendData(entry);
        Span<byte> bytes = stackalloc byte[Digest.Size];
        hash.GetHashAndReset(bytes);
        return new Digest(bytes);
    }

    /// <summary>SHA-256(0x01 || left || right).</summary>
    public static Digest Node(Digest left, Digest right)
    {
        Span<byte> bytes = stackalloc byte[1 + 2 * Digest.Size];
        bytes[0] = 0x01;
        left.Span.CopyTo(bytes[1..]);
        right.Span.CopyTo(bytes[(1 + Digest.Size)..]);
        return Digest.Of(bytes);
    }
}
