using Ciuic.Core;
using Ciuic.Testing;
using CsCheck;

namespace Ciuic.Core.Tests;

public sealed class ProofTests
{
    private static readonly TlogPolicy Policy = TlogPolicy.Alone(TestKeys.TreeHead.Verifier);

    [Fact]
    public void A_proof_has_the_bytes_it_always_had_and_holds()
    {
        var proof = Prove(5, 2);
        Golden.Check("snapshot.tlog-proof.golden", proof.Encode());
        var proven = TlogProof.Parse(Golden.Read("snapshot.tlog-proof.golden")).Verify(Policy);
        Assert.Equal((2, 5), (proven.Block.Height, proven.Head.Head.Size));
        Assert.Equal(Samples.Record(3), Assert.Single(proven.Block.Facts()).Record);
    }

    [Fact]
    public void Every_block_of_every_small_ledger_is_proven_and_nothing_else_is() => Gen.Int[1, 40].Sample(size =>
    {
        for (var height = 0; height < size; height++)
        {
            var proof = Prove(size, height);
            Assert.Equal(height, TlogProof.Parse(proof.Encode()).Verify(Policy).Block.Height);
            if (size > 1)
                Assert.Throws<CorruptException>(() => (proof with { Index = (height + 1) % size }).Verify(Policy));
            if (proof.Path.Count > 0)
                Assert.Throws<CorruptException>(() => (proof with { Path = [.. proof.Path.Skip(1)] }).Verify(Policy));
            Assert.Throws<CorruptException>(() => (proof with { Path = [.. proof.Path, Digest.Of("x"u8)] }).Verify(Policy));
        }
    }, iter: 10);

    [Fact]
    public void Every_flipped_bit_of_a_proof_is_found()
    {
        var bytes = Prove(5, 2).Encode();
        for (var i = 0; i < bytes.Length; i++)
        {
            var damaged = bytes.ToArray();
            damaged[i] ^= 1;
            Assert.ThrowsAny<CiuicException>(() => TlogProof.Parse(damaged).Verify(Policy));
        }
    }

    [Fact]
    public void A_truncated_proof_is_refused()
    {
        var bytes = Prove(5, 2).Encode();
        for (var length = 0; length < bytes.Length; length += 3)
            Assert.ThrowsAny<CiuicException>(() => TlogProof.Parse(bytes.AsSpan(0, length)).Verify(Policy));
    }

    [Theory]
    [InlineData("index 2", "index 02")]
    [InlineData("index 2", "index -2")]
    [InlineData("index 2\n", "index 2\r\n")]
    [InlineData("index 2\n", "")]
    [InlineData("extra ", "extra  ")]
    [InlineData("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2")]
    public void A_proof_spelled_otherwise_is_refused(string said, string instead)
    {
        var text = StrictUtf8.Decode(Prove(5, 2).Encode(), "proof").Replace(said, instead, StringComparison.Ordinal);
        Assert.Throws<InvalidInputException>(() => TlogProof.Parse(StrictUtf8.Encode(text)));
    }

    [Fact]
    public void A_block_of_another_place_in_the_same_tree_is_refused()
    {
        // Somebody who holds the tree head key could sign a tree whose leaf lies about its height.
        var (tip, blocks) = BlockTests.Chain(3);
        var leaves = new[] { blocks[1], blocks[0], blocks[2] }.Select(b => MerkleHash.Leaf(b)).ToArray();
        var head = new TreeHead(TestKeys.Origin, 3, MerkleTests.RootOf(leaves, 0, 3));
        var path = MerkleProofs.Inclusion(0, 3, (b, e) => MerkleTests.RootOf(leaves, (int)b, (int)e));
        var proof = new TlogProof(blocks[1], 0, path, head.Sign(TestKeys.TreeHead));
        Assert.Contains("says it is block 1", Assert.Throws<CorruptException>(() => proof.Verify(Policy)).Message);
        Assert.Equal(3, tip.Size);
    }

    [Fact]
    public void A_proof_without_its_block_or_of_another_ledger_proves_nothing()
    {
        var proof = Prove(5, 2);
        Assert.Throws<CorruptException>(() => (proof with { Extra = null }).Verify(Policy));
        Assert.Throws<CorruptException>(() => proof.Verify(TlogPolicy.Alone(TestKeys.Stranger.Verifier)));
        Assert.Throws<CorruptException>(() => proof.Verify(TlogPolicy.Alone()));
    }

    private static TlogProof Prove(int size, int height)
    {
        var (tip, blocks) = BlockTests.Chain(size);
        var leaves = blocks.Select(b => MerkleHash.Leaf(b)).ToArray();
        var path = MerkleProofs.Inclusion(height, size, (b, e) => MerkleTests.RootOf(leaves, (int)b, (int)e));
        return new TlogProof(blocks[height], height, path, tip.Head.Sign(TestKeys.TreeHead));
    }
}
