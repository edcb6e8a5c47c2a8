using Ciuic.Core;
using Ciuic.Testing;
using CsCheck;

namespace Ciuic.Core.Tests;

public sealed class MerkleTests
{
    [Fact]
    public void Leaves_and_nodes_have_the_hashes_of_RFC_6962() => Gen.Byte.Array[0, 300].Select(Gen.Byte.Array[64]).Sample((entry, both) =>
    {
        Assert.Equal(Digest.Of([0x00, .. entry]), MerkleHash.Leaf(entry));
        var node = MerkleHash.Node(new Digest(both.AsSpan(0, 32)), new Digest(both.AsSpan(32)));
        Assert.Equal(Digest.Of([0x01, .. both]), node);
    });

    [Fact]
    public void The_roots_of_the_public_eight_leaf_tree_come_out()
    {
        var vector = Vectors.Read("derived", "ct-8-leaf-tree.json");
        var tree = MerkleFrontier.Empty;
        Assert.Equal(vector.GetProperty("empty_root").GetString(), tree.Root.ToString());
        var leaves = vector.GetProperty("leaves_hex").EnumerateArray().ToList();
        var roots = vector.GetProperty("roots").EnumerateArray().ToList();
        Assert.Equal(8, leaves.Count);
        for (var i = 0; i < leaves.Count; i++)
        {
            var leaf = MerkleHash.Leaf(Convert.FromHexString(leaves[i].GetString()!));
            tree = tree.Append(leaf);
            Assert.Equal(roots[i].GetString(), tree.Root.ToString());
        }
    }

    [Fact]
    public void Every_public_inclusion_probe_is_judged_right()
    {
        var judged = 0;
        foreach (var probe in Probes("inclusion"))
        {
            var proof = Digests(probe.GetProperty("proof"));
            var leaf = TryDigest(probe.GetProperty("leafHash"));
            var root = TryDigest(probe.GetProperty("root"));
            var accepted = proof is not null && leaf is { } l && root is { } r && MerkleProofs.VerifyInclusion(
                Size(probe, "leafIdx"), Size(probe, "treeSize"), l, r, proof);
            Assert.True(accepted != probe.GetProperty("wantErr").GetBoolean(), probe.ToString());
            judged++;
        }

        Assert.InRange(judged, 50, int.MaxValue);
    }

    [Fact]
    public void Every_public_consistency_probe_is_judged_right()
    {
        var judged = 0;
        foreach (var probe in Probes("consistency"))
        {
            var (size1, size2) = (Size(probe, "size1"), Size(probe, "size2"));
            var proof = Digests(probe.GetProperty("proof"));
            var (root1, root2) = (TryDigest(probe.GetProperty("root1")), TryDigest(probe.GetProperty("root2")));
            // Two groups of probes say nothing about us: an empty old tree, which their library refuses and C2SP, which
            // we follow, accepts under an empty proof; and roots of equal trees that are no hashes at all.
            if ((size1 == 0 && proof is { Count: 0 }) || (size1 == size2 && root1 is null && root2 is null))
                continue;
            var accepted = proof is not null && root1 is { } r1 && root2 is { } r2
                && MerkleProofs.VerifyConsistency(size1, size2, r1, r2, proof);
            Assert.True(accepted != probe.GetProperty("wantErr").GetBoolean(), probe.ToString());
            judged++;
        }

        Assert.InRange(judged, 50, int.MaxValue);
    }

    [Fact]
    public void Every_leaf_of_every_small_tree_is_proven_and_no_other_is() => Gen.Int[1, 70].Sample(size =>
    {
        var leaves = Leaves(size);
        var root = RootOf(leaves, 0, size);
        for (var i = 0; i < size; i++)
        {
            var proof = MerkleProofs.Inclusion(i, size, (b, e) => RootOf(leaves, (int)b, (int)e));
            Assert.True(MerkleProofs.VerifyInclusion(i, size, leaves[i], root, proof));
            Assert.False(MerkleProofs.VerifyInclusion(i, size, MerkleHash.Leaf("other"u8), root, proof));
            Assert.False(size > 1 && MerkleProofs.VerifyInclusion((i + 1) % size, size, leaves[i], root, proof));
        }
    }, iter: 30);

    [Fact]
    public void Every_pair_of_sizes_is_proven_consistent_and_a_changed_leaf_is_not()
    {
        const int Max = 40;
        var leaves = Leaves(Max);
        var forked = leaves.ToArray();
        forked[0] = MerkleHash.Leaf("forked"u8);
        for (var newSize = 0; newSize <= Max; newSize++)
        {
            for (var oldSize = 0; oldSize <= newSize; oldSize++)
            {
                var proof = MerkleProofs.Consistency(oldSize, newSize, (b, e) => RootOf(leaves, (int)b, (int)e));
                var (oldRoot, newRoot) = (RootOf(leaves, 0, oldSize), RootOf(leaves, 0, newSize));
                Assert.True(MerkleProofs.VerifyConsistency(oldSize, newSize, oldRoot, newRoot, proof));
                var fork = RootOf(forked, 0, oldSize);
                Assert.False(oldSize > 0 && MerkleProofs.VerifyConsistency(oldSize, newSize, fork, newRoot, proof));
            }
        }
    }

    [Fact]
    public void The_frontier_has_the_root_of_the_definition() => Gen.Int[0, 600].Sample(size =>
    {
        var leaves = Leaves(size);
        var tree = leaves.Aggregate(MerkleFrontier.Empty, (t, leaf) => t.Append(leaf));
        Assert.Equal(size, tree.Size);
        Assert.Equal(RootOf(leaves, 0, size), tree.Root);
    }, iter: 50);

    internal static Digest[] Leaves(int count) =>
        Enumerable.Range(0, count).Select(i => MerkleHash.Leaf(BitConverter.GetBytes(i))).ToArray();

    /// <summary>The definition of RFC 6962 section 2.1, word for word.</summary>
    internal static Digest RootOf(Digest[] leaves, int begin, int end)
    {
        if (end == begin)
            return MerkleHash.Empty;
        if (end - begin == 1)
            return leaves[begin];
        var split = 1;
        while (split * 2 < end - begin)
            split *= 2;
        return MerkleHash.Node(RootOf(leaves, begin, begin + split), RootOf(leaves, begin + split, end));
    }

    private static IEnumerable<System.Text.Json.JsonElement> Probes(string kind) => Directory
        .EnumerateFiles(Path.Combine(Vectors.Folder, "merkle", "testdata", kind), "*.json", SearchOption.AllDirectories)
        .Select(file => Vectors.Read(file));

    /// <summary>Sizes beyond 63 bits are no sizes to us.</summary>
    private static long Size(System.Text.Json.JsonElement probe, string name) =>
        probe.GetProperty(name).TryGetInt64(out var size) ? size : -1;

    private static List<Digest>? Digests(System.Text.Json.JsonElement proof)
    {
        if (proof.ValueKind == System.Text.Json.JsonValueKind.Null)
            return [];
        var digests = proof.EnumerateArray().Select(TryDigest).ToList();
        return digests.Any(d => d is null) ? null : digests.ConvertAll(d => d!.Value);
    }

    private static Digest? TryDigest(System.Text.Json.JsonElement value) =>
        value.ValueKind == System.Text.Json.JsonValueKind.String
        && StrictBase64.TryDecode(value.GetString(), out var bytes) && bytes.Length == Digest.Size
            ? new Digest(bytes)
            : null;
}
