namespace Ciuic.Core;

/// <summary>
/// A tree that only grows, kept as the roots of its complete subtrees: at most one per bit of its size.
/// Immutable: appending gives a new frontier, so that a failed write leaves nothing to undo.
/// </summary>
public sealed class MerkleFrontier
{
    private readonly Digest[] _roots; // from the largest subtree to the smallest

    private MerkleFrontier(long size, Digest[] roots)
    {
        Size = size;
        _roots = roots;
    }

    /// <summary>The tree without leaves.</summary>
    public static MerkleFrontier Empty { get; } = new(0, []);

    /// <summary>Number of leaves.</summary>
    public long Size { get; }

    /// <summary>Root hash of the whole tree (RFC 6962 section 2.1).</summary>
    public Digest Root
    {
        get
        {
            if (Size == 0)
                return MerkleHash.Empty;
            var root = _roots[^1];
            for (var i = _roots.Length - 2; i >= 0; i--)
                root = MerkleHash.Node(_roots[i], root);
            return root;
        }
    }

    /// <summary>The tree with one leaf more.</summary>
    public MerkleFrontier Append(Digest leafHash)
    {
        var merges = System.Numerics.BitOperations.TrailingZeroCount(~Size);
        var kept = _roots.Length - merges;
        var node = leafHash;
        for (var i = _roots.Length - 1; i >= kept; i--)
            node = MerkleHash.Node(_roots[i], node);
        return new MerkleFrontier(Size + 1, [.. _roots.AsSpan(0, kept), node]);
    }

    /// <summary>Rebuilds a frontier from the roots of its complete subtrees, largest first.</summary>
    /// <exception cref="InvalidInputException">The number of roots does not fit the size.</exception>
    public static MerkleFrontier FromRoots(long size, ReadOnlySpan<Digest> roots)
    {
        if (size < 0 || System.Numerics.BitOperations.PopCount((ulong)size) != roots.Length)
            throw new InvalidInputException($"{roots.Length} subtree roots cannot make a tree of {size} leaves.");
        return new MerkleFrontier(size, roots.ToArray());
    }
}
