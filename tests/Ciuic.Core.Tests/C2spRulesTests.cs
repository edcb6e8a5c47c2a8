using System.Buffers.Binary;
using Ciuic.Testing;

namespace Ciuic.Core.Tests;

/// <summary>Rules of the C2SP specifications that a ledger and witness of ours alone would never notice.</summary>
public sealed class C2spRulesTests : IDisposable
{
    private static readonly TreeHead Empty = new(TestKeys.Origin, 0, MerkleHash.Empty);

    private readonly SigningKey _witness = SigningKey.FromSeed("w.test/1", KeyAlgorithm.Ed25519Cosignature, new byte[32]);

    [Fact]
    public void A_witness_cosigns_lines_after_the_tree_head_unread()
    {
        var text = Empty.ToText() + "an extension\nanother\n";
        var verdict = Decide(SignedNote.Sign(text, TestKeys.TreeHead));
        Assert.Equal((WitnessStatus.Cosigned, Empty, text), (verdict.Status, verdict.Next, verdict.Text));
        var empty = Decide(SignedNote.Sign(Empty.ToText() + "\nbehind an empty line\n", TestKeys.TreeHead));
        Assert.Equal(WitnessStatus.Malformed, empty.Status);
    }

    [Fact]
    public void A_ledger_of_ours_has_no_lines_after_its_tree_head() =>
        Assert.Throws<InvalidInputException>(() => TreeHead.ParseText(Empty.ToText() + "an extension\n"));

    [Fact]
    public void A_witness_takes_a_checkpoint_with_as_many_signatures_as_every_verifier_must()
    {
        var stranger = StrictBase64.Encode(new byte[5_000]);
        var lines = Enumerable.Range(1, 15).Select(i => $"\u2014 stranger.test/{i} {stranger}\n");
        byte[] checkpoint = [.. Empty.Sign(TestKeys.TreeHead), .. StrictUtf8.Encode(string.Concat(lines))];
        var request = new AddCheckpointRequest(0, Enumerable.Repeat(MerkleHash.Empty, 63).ToList(), checkpoint).Encode();
        Assert.Equal(checkpoint, AddCheckpointRequest.Parse(request).Checkpoint);
        Assert.Equal(WitnessStatus.Cosigned, Decide(checkpoint).Status);
    }

    [Theory]
    [InlineData(long.MaxValue, true)]
    [InlineData(1UL << 63, false)]
    public void A_cosignature_of_a_time_beyond_2_to_the_63_is_wrong(ulong seconds, bool right)
    {
        var text = Empty.ToText();
        using var plain = SigningKey.FromSeed("w.test/1", new byte[32]); // the witness's key, signing what it is told to
        var signature = new byte[8 + 64];
        BinaryPrimitives.WriteUInt64BigEndian(signature, seconds);
        plain.Sign(StrictUtf8.Encode($"cosignature/v1\ntime {seconds}\n{text}")).CopyTo(signature, 8);
        Assert.Equal(right, _witness.Verifier.Verify(StrictUtf8.Encode(text), signature));
    }

    [Fact]
    public void A_note_may_hold_any_characters_but_ASCII_control_ones()
    {
        Assert.Equal("a\u0085b\u007f\n", SignedNote.Parse(SignedNote.Sign("a\u0085b\u007f\n", TestKeys.TreeHead)).Text);
        Assert.Throws<InvalidInputException>(() => SignedNote.Parse(SignedNote.Sign("a\tb\n", TestKeys.TreeHead)));
    }

    [Fact]
    public void A_verifier_key_spells_its_id_in_lower_case()
    {
        var parts = TestKeys.TreeHead.Verifier.ToString().Split('+', 3);
        var shouted = $"{parts[0]}+{parts[1].ToUpperInvariant()}+{parts[2]}";
        Assert.NotEqual(TestKeys.TreeHead.Verifier.ToString(), shouted);
        Assert.Throws<InvalidInputException>(() => VerifierKey.Parse(shouted));
    }

    [Theory]
    [InlineData("group a any w1\ngroup b any w1\ngroup c all a b\nquorum c", "'w1'")]
    [InlineData("group a any w1 w2\ngroup b all w3\ngroup c any a\ngroup d all a b\nquorum d", "'a'")]
    [InlineData("group a 2 w1 w1\nquorum a", "'w1'")]
    public void No_witness_counts_in_two_ways(string rule, string named) => Refused(Witnesses + rule, named);

    [Fact]
    public void One_public_key_is_one_witness_and_one_log_whatever_its_names()
    {
        var renamed = SigningKey.FromSeed("other.test/1", KeyAlgorithm.Ed25519Cosignature, new byte[32]).Verifier;
        Refused($"witness a {_witness.Verifier}\nwitness b {renamed}\ngroup q all a b\nquorum q", "count twice");
        var log = SigningKey.FromSeed("other.test/log", Enumerable.Repeat((byte)1, 32).ToArray()).Verifier;
        Assert.True(log.HasSamePublicKey(TestKeys.TreeHead.Verifier));
        Refused($"log {TestKeys.TreeHead.Verifier}\nlog {log}\nquorum none", "another log line");
    }

    [Theory]
    [InlineData("quorum none\r\n")]
    [InlineData("# a bell \u0007\nquorum none\n")]
    [InlineData("# rubbed out \u007f\nquorum none\n")]
    public void A_policy_holds_no_control_characters_but_tab_and_newline(string text) => Refused(text, "control character");

    [Fact]
    public void A_policy_may_be_indented_and_hold_any_other_characters() =>
        Assert.False(TlogPolicy.Parse("\t # \u00fcber \u212a\n \t quorum \t none \t\n").NeedsWitnesses);

    public void Dispose() => _witness.Dispose();

    private static string Witnesses => string.Concat(Enumerable.Range(1, 3).Select(i =>
    {
        var seed = Enumerable.Repeat((byte)(10 + i), 32).ToArray();
        return $"witness w{i} {SigningKey.FromSeed($"w.test/{i}", KeyAlgorithm.Ed25519Cosignature, seed).Verifier}\n";
    }));

    private static WitnessVerdict Decide(byte[] checkpoint) =>
        WitnessRules.Decide(new AddCheckpointRequest(0, [], checkpoint), [TestKeys.TreeHead.Verifier], null);

    private static void Refused(string policy, string named) =>
        Assert.Contains(named, Assert.Throws<InvalidInputException>(() => TlogPolicy.Parse(policy)).Message);
}
