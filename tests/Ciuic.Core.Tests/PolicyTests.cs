using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Core.Tests;

public sealed class PolicyTests
{
    private static readonly IReadOnlyList<TestWitness> Witnesses =
        new TestWitnesses(TimeProvider.System, TestKeys.TreeHead.Verifier).All;

    [Fact]
    public void Quorum_none_trusts_the_ledger_alone()
    {
        var policy = TlogPolicy.Parse($"# ours\nlog {TestKeys.TreeHead.Verifier}\n\nquorum none\n");
        Assert.False(policy.NeedsWitnesses);
        Assert.True(policy.IsMetBy(new HashSet<string>()));
        Assert.Equal([TestKeys.TreeHead.Verifier], policy.Logs);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("a", false)]
    [InlineData("b c", true)]
    [InlineData("a b c", true)]
    public void A_group_asks_for_as_many_as_it_says(string present, bool met) =>
        Assert.Equal(met, IsMet("group g 2 a b c\nquorum g", present));

    [Theory]
    [InlineData("a", true)]
    [InlineData("", false)]
    public void Any_is_one(string present, bool met) => Assert.Equal(met, IsMet("group g any a b c\nquorum g", present));

    [Theory]
    [InlineData("a b", false)]
    [InlineData("a b c", true)]
    public void All_is_everyone(string present, bool met) => Assert.Equal(met, IsMet("group g all a b c\nquorum g", present));

    [Theory]
    [InlineData("a b", false)]
    [InlineData("a c", true)]
    [InlineData("c", false)]
    public void Groups_may_be_members(string present, bool met) =>
        Assert.Equal(met, IsMet("group one any a b\ngroup g all one c\nquorum g", present));

    [Fact]
    public void A_witness_may_be_the_quorum() => Assert.True(IsMet("quorum b", "b"));

    [Theory]
    [InlineData("", "no quorum")]
    [InlineData("quorum x", "Line 4")]
    [InlineData("quorum none\nquorum none", "a quorum line already")]
    [InlineData("group g 4 a b c\nquorum g", "4 of 3")]
    [InlineData("group g 0 a b c\nquorum g", "0 of 3")]
    [InlineData("group g 01 a b\nquorum g", "not a plain decimal")]
    [InlineData("group g any a a\nquorum g", "a member already")]
    [InlineData("group a any b c\nquorum a", "'a' is taken")]
    [InlineData("group none any b c\nquorum none", "'none' is taken")]
    [InlineData("group g any g\nquorum g", "named before")]
    [InlineData("witness d not-a-key\nquorum none", "not a verifier key")]
    [InlineData("log\nquorum none", "no log, witness")]
    [InlineData("wtness x\nquorum none", "no log, witness")]
    public void A_policy_that_is_none_is_refused_and_the_line_is_named(string lines, string named)
    {
        var error = Assert.Throws<InvalidInputException>(() => TlogPolicy.Parse(Head + lines));
        Assert.Contains(named, error.Message);
    }

    [Fact]
    public void A_witness_under_two_names_would_count_twice_and_is_refused() => Assert.Contains(
        "count twice",
        Assert.Throws<InvalidInputException>(() => TlogPolicy.Parse($"{Head}witness d {Witnesses[0].Key.Verifier}\nquorum none")).Message);

    [Fact]
    public void A_log_key_is_no_witness() => Assert.Throws<InvalidInputException>(() =>
        TlogPolicy.Parse($"witness d {TestKeys.TreeHead.Verifier}\nquorum none"));

    [Fact]
    public void One_witness_that_cosigns_twice_is_one_witness()
    {
        var policy = new TestWitnesses(TimeProvider.System, TestKeys.TreeHead.Verifier).Policy;
        var head = new TreeHead(TestKeys.Origin, 3, Digest.Of("root"u8));
        var text = StrictUtf8.Encode(head.ToText());
        string[] lines =
        [
            SignedNote.SignatureLine(Witnesses[0].Key.Verifier, Witnesses[0].Key.Cosign(text, Samples.Time)),
            SignedNote.SignatureLine(Witnesses[0].Key.Verifier, Witnesses[0].Key.Cosign(text, Samples.Time.AddSeconds(1))),
        ];
        var signed = SignedNote.Parse(head.Sign(TestKeys.TreeHead));
        var error = Assert.Throws<CorruptException>(() => policy.OpenHead(signed.WithLines(lines)));
        Assert.Contains("not the quorum", error.Message);
        var other = SignedNote.SignatureLine(Witnesses[2].Key.Verifier, Witnesses[2].Key.Cosign(text, Samples.Time));
        Assert.Equal(2, policy.OpenHead(signed.WithLines([.. lines, other])).Cosignatures.Count);
    }

    private static string Head => string.Concat("abc".Select((name, i) => $"witness {name} {Witnesses[i].Key.Verifier}\n"));

    private static bool IsMet(string lines, string present) => TlogPolicy.Parse($"{Head}{lines}\n")
        .IsMetBy(present.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToHashSet());
}
