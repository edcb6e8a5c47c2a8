using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Core.Tests;

/// <summary>What a witness decides, and what it signs.</summary>
public sealed class WitnessTests
{
    private static readonly Digest[] Leaves = MerkleTests.Leaves(20);
    private static readonly VerifierKey[] Logs = [TestKeys.TreeHead.Verifier];
    private static readonly SigningKey Witness = SigningKey.FromSeed(
        "witness.test/w", KeyAlgorithm.Ed25519Cosignature, Enumerable.Repeat((byte)7, SigningKey.SeedSize).ToArray());

    [Fact]
    public void A_request_has_the_bytes_it_always_had()
    {
        var request = Request(3, 8);
        Golden.Check("add-checkpoint.golden", request.Encode());
        var read = AddCheckpointRequest.Parse(request.Encode());
        Assert.Equal((3, request.Proof.Count), (read.OldSize, read.Proof.Count));
        Assert.Equal(request.Checkpoint, read.Checkpoint);
    }

    [Fact]
    public void A_cosignature_has_the_bytes_it_always_had_and_says_when()
    {
        var head = Head(8);
        var line = SignedNote.SignatureLine(Witness.Verifier, Witness.Cosign(StrictUtf8.Encode(head.ToText()), Samples.Time));
        var checkpoint = SignedNote.Parse(head.Sign(TestKeys.TreeHead)).WithLines([line]);
        Golden.Check("checkpoint-cosigned.golden", checkpoint);
        var cosignature = Assert.Single(SignedTreeHead.Open(checkpoint, TestKeys.Origin, Logs).CosignedBy([Witness.Verifier]));
        Assert.Equal((Witness.Verifier, Samples.Time), (cosignature.Witness, cosignature.SeenAt));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 8)]
    [InlineData(3, 8)]
    [InlineData(8, 8)]
    [InlineData(8, 20)]
    public void A_tree_that_continues_the_one_seen_is_cosigned(int seen, int size)
    {
        var verdict = WitnessRules.Decide(Request(seen, size), Logs, seen == 0 ? null : Head(seen));
        Assert.Equal((WitnessStatus.Cosigned, Head(size)), (verdict.Status, verdict.Next));
    }

    [Fact]
    public void Another_size_than_the_one_seen_is_a_conflict()
    {
        Assert.Equal(WitnessStatus.Conflict, WitnessRules.Decide(Request(3, 8), Logs, Head(4)).Status);
        Assert.Equal(WitnessStatus.Conflict, WitnessRules.Decide(Request(3, 8), Logs, null).Status);
        Assert.Equal(WitnessStatus.Conflict, WitnessRules.Decide(Request(0, 8), Logs, Head(8)).Status);
        // A sender that was rolled back: the witness has seen more than its whole tree.
        Assert.Equal(WitnessStatus.Conflict, WitnessRules.Decide(Request(3, 8), Logs, Head(12)).Status);
    }

    [Fact]
    public void A_fork_is_never_cosigned()
    {
        var forked = Head(8) with { Root = Digest.Of("forked"u8) };
        Assert.Equal(WitnessStatus.Inconsistent, Decide(Request(3, 8) with { Checkpoint = forked.Sign(TestKeys.TreeHead) }, 3));
        Assert.Equal(WitnessStatus.Inconsistent, Decide(Request(8, 8) with { Checkpoint = forked.Sign(TestKeys.TreeHead) }, 8));
        Assert.Equal(WitnessStatus.Inconsistent, Decide(Request(3, 8) with { Proof = [] }, 3));
        Assert.Equal(WitnessStatus.Inconsistent, Decide(Request(0, 8) with { Proof = [Digest.Of("x"u8)] }, 0));
    }

    [Fact]
    public void What_is_not_signed_not_known_or_not_readable_has_a_status_of_its_own()
    {
        var signed = Request(0, 8);
        var stranger = SigningKey.FromSeed(TestKeys.Origin, Enumerable.Repeat((byte)9, SigningKey.SeedSize).ToArray());
        Assert.Equal(WitnessStatus.NotSigned, Decide(signed with { Checkpoint = Head(8).Sign(stranger) }, 0));
        var elsewhere = SigningKey.FromSeed("elsewhere", Enumerable.Repeat((byte)9, SigningKey.SeedSize).ToArray());
        var foreign = (Head(8) with { Origin = "elsewhere" }).Sign(elsewhere);
        Assert.Equal(WitnessStatus.UnknownOrigin, Decide(signed with { Checkpoint = foreign }, 0));
        Assert.Equal(WitnessStatus.Malformed, Decide(signed with { Checkpoint = "rubbish"u8.ToArray() }, 0));
        Assert.Equal(WitnessStatus.Malformed, Decide(signed with { OldSize = 9 }, 9));
    }

    [Theory]
    [InlineData("old 3\n")]
    [InlineData("old 03\n\nx")]
    [InlineData("old -1\n\nx")]
    [InlineData("old 3\r\n\nx")]
    [InlineData("new 3\n\nx")]
    [InlineData("old 3\nAAAA\n\nx")]
    [InlineData("")]
    public void A_request_that_is_none_is_refused(string body) =>
        Assert.Throws<InvalidInputException>(() => AddCheckpointRequest.Parse(StrictUtf8.Encode(body)));

    [Fact]
    public void A_request_with_more_proof_than_any_tree_needs_is_refused()
    {
        var body = new AddCheckpointRequest(1, [.. Enumerable.Repeat(Digest.Of("x"u8), 64)], Head(8).Sign(TestKeys.TreeHead)).Encode();
        Assert.Throws<InvalidInputException>(() => AddCheckpointRequest.Parse(body));
        Assert.Throws<InvalidInputException>(() => AddCheckpointRequest.Parse(new byte[AddCheckpointRequest.MaxBytes + 1]));
    }

    [Fact]
    public void A_witness_signs_nothing_but_cosignatures_and_a_ledger_none()
    {
        Assert.Throws<InvalidOperationException>(() => Witness.Sign("text\n"u8));
        Assert.Throws<InvalidOperationException>(() => TestKeys.TreeHead.Cosign("text\n"u8, Samples.Time));
        Assert.Equal(Witness.Verifier, SigningKey.Parse(Witness.Export()).Verifier);
    }

    private static WitnessStatus Decide(AddCheckpointRequest request, int seen) =>
        WitnessRules.Decide(request, Logs, seen == 0 ? null : Head(seen)).Status;

    private static AddCheckpointRequest Request(int oldSize, int newSize) => new(
        oldSize,
        MerkleProofs.Consistency(oldSize, newSize, (b, e) => MerkleTests.RootOf(Leaves, (int)b, (int)e)),
        Head(newSize).Sign(TestKeys.TreeHead));

    private static TreeHead Head(int size) => new(TestKeys.Origin, size, MerkleTests.RootOf(Leaves, 0, size));
}
