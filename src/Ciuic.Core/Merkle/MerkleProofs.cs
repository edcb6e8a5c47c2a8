namespace Ciuic.Core;

/// <summary>Proofs of RFC 6962, checked as RFC 9162 sections 2.1.3 and 2.1.4 say.</summary>
public static class MerkleProofs
{
    /// <summary>Whether the leaf is the one at this index of the tree with this size and root.</summary>
    public static bool VerifyInclusion(
        long index, long size, Digest leafHash, Digest root, IReadOnlyList<Digest> proof)
    {
        if (index < 0 || index >= size)
            return false;
        var (fn, sn, hash) = (index, size - 1, leafHash);
        foreach (var sibling in proof)
        {
            if (sn == 0)
                return false;
            if ((fn & 1) == 1 || fn == sn)
            {
                hash = MerkleHash.Node(sibling, hash);
                while ((fn & 1) == 0 && fn != 0)
                    (fn, sn) = (fn >> 1, sn >> 1);
            }
            else
            {
                hash = MerkleHash.Node(hash, sibling);
            }

            (fn, sn) = (fn >> 1, sn >> 1);
        }

        return sn == 0 && hash == root;
    }

    /// <summary>
    /// Whether the larger tree begins with the smaller one. An empty old tree is consistent with everything
    /// under an empty proof (C2SP tlog-witness).
    /// </summary>
    public static bool VerifyConsistency(
        long oldSize, long newSize, Digest oldRoot, Digest newRoot, IReadOnlyList<Digest> proof)
    {
        if (oldSize < 0 || oldSize > newSize)
            return false;
        if (oldSize == newSize)
            return proof.Count == 0 && oldRoot == newRoot;
        if (oldSize == 0)
            return proof.Count == 0 && oldRoot == MerkleHash.Empty;
        if (proof.Count == 0)
            return false;
        return WalkConsistency(oldSize, newSize, oldRoot, newRoot, proof);
    }

    private static bool WalkConsistency(
        long oldSize, long newSize, Digest oldRoot, Digest newRoot, IReadOnlyList<Digest> proof)
    {
        var next = 0;
        var first = System.Numerics.BitOperations.IsPow2(oldSize) ? oldRoot : proof[next++];
        var (fn, sn) = (oldSize - 1, newSize - 1);
        while ((fn & 1) == 1)
            (fn, sn) = (fn >> 1, sn >> 1);
        var (fr, sr) = (first, first);
        for (; next < proof.Count; next++)
        {
            if (sn == 0)
                return false;
            var node = proof[next];
            if ((fn & 1) == 1 || fn == sn)
            {
                (fr, sr) = (MerkleHash.Node(node, fr), MerkleHash.Node(node, sr));
                while ((fn & 1) == 0 && fn != 0)
                    (fn, sn) = (fn >> 1, sn >> 1);
            }
            else
            {
                sr = MerkleHash.Node(sr, node);
            }

            (fn, sn) = (fn >> 1, sn >> 1);
        }

        return sn == 0 && fr == oldRoot && sr == newRoot;
    }

    /// <summary>The proof that a leaf is at this index. The callback gives the root over leaves [begin, end).</summary>
    public static List<Digest> Inclusion(long index, long size, Func<long, long, Digest> subtree)
    {
        if (index < 0 || index >= size)
            throw new InvalidInputException($"There is no leaf {index} in a tree of {size}.");
        var proof = new List<Digest>();
        for (var (begin, end) = (0L, size); end - begin > 1;)
        {
            var middle = begin + LargestPowerBelow(end - begin);
            if (index < middle)
            {
                proof.Add(subtree(middle, end));
                end = middle;
            }
            else
            {
                proof.Add(subtree(begin, middle));
                begin = middle;
            }
        }

        proof.Reverse();
        return proof;
    }

    /// <summary>The proof that a tree begins with an older one. The callback gives roots over [begin, end).</summary>
    public static List<Digest> Consistency(long oldSize, long newSize, Func<long, long, Digest> subtree)
    {
        if (oldSize < 0 || oldSize > newSize)
            throw new InvalidInputException($"A tree of {newSize} leaves cannot begin with one of {oldSize}.");
        var proof = new List<Digest>();
        if (oldSize == 0 || oldSize == newSize)
            return proof;
        var (begin, end) = (0L, newSize);
        while (oldSize != end)
        {
            var middle = begin + LargestPowerBelow(end - begin);
            if (oldSize <= middle)
            {
                proof.Add(subtree(middle, end));
                end = middle;
            }
            else
            {
                proof.Add(subtree(begin, middle));
                begin = middle;
            }
        }

        if (begin != 0)
            proof.Add(subtree(begin, end));
        proof.Reverse();
        return proof;
    }

    private static long LargestPowerBelow(long count) =>
        1L << (63 - System.Numerics.BitOperations.LeadingZeroCount((ulong)(count - 1)));
}
