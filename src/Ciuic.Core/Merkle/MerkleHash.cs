using System.Buffers;

namespace Ciuic.Core;

/// <summary>The hashes of RFC 6962 section 2.1: leaves and nodes are told apart by their first byte.</summary>
public static class MerkleHash
{
    /// <summary>Root of the tree without leaves: SHA-256 of nothing.</summary>
    public static Digest Empty { get; } = Digest.Of([]);

    /// <summary>SHA-256(0x00 || entry).</summary>
    public static Digest Leaf(ReadOnlySpan<byte> entry)
    {
        // One call on one buffer: copying an entry costs a tenth of what an incremental hash's extra calls do.
        var buffer = ArrayPool<byte>.Shared.Rent(1 + entry.Length);
        buffer[0] = 0x00;
        entry.CopyTo(buffer.AsSpan(1));
        var leaf = Digest.Of(buffer.AsSpan(0, 1 + entry.Length));
        ArrayPool<byte>.Shared.Return(buffer);
        return leaf;
    }

    /// <summary>SHA-256(0x01 || left || right).</summary>
    public static Digest Node(Digest left, Digest right)
    {
        Span<byte> bytes = stackalloc byte[1 + 2 * Digest.Size];
        bytes[0] = 0x01;
        left.Span.CopyTo(bytes[1..]);
        right.Span.CopyTo(bytes[(1 + Digest.Size)..]);
        return ShortSha256.Of(bytes);
    }

    /// <summary>Root of a tree whose leaves are 1, 2, 4, 8 ... hashes.</summary>
    internal static Digest CompleteTree(ReadOnlySpan<Digest> leaves)
    {
        if (leaves.Length == 1)
            return leaves[0];
        var half = leaves.Length / 2;
        return Node(CompleteTree(leaves[..half]), CompleteTree(leaves[half..]));
    }
}
