using Ciuic.Core;

namespace Ciuic.Core.Tests;

public sealed class IdTests
{
    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("../x")]
    [InlineData("a/b")]
    [InlineData("-a")]
    [InlineData("a b")]
    [InlineData("\u00e4")]
    public void A_run_id_that_a_path_could_misread_is_refused(string text) =>
        Assert.Throws<InvalidInputException>(() => RunId.Parse(text));

    [Fact]
    public void A_run_id_of_101_characters_is_refused() =>
        Assert.Throws<InvalidInputException>(() => RunId.Parse(new string('a', 101)));

    [Theory]
    [InlineData("0")]
    [InlineData("01")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData(" 1")]
    [InlineData("9223372036854775808")]
    public void A_sequence_has_one_spelling(string text) =>
        Assert.Throws<InvalidInputException>(() => Sequence.Parse(text));

    [Fact]
    public void Ids_have_no_valid_default()
    {
        Assert.Throws<InvalidOperationException>(() => default(RunId).Value);
        Assert.Throws<InvalidOperationException>(() => default(Sequence).Value);
        Assert.Throws<InvalidInputException>(() => new Rank(-1));
    }

    [Theory]
    [InlineData("latest", typeof(SnapshotRef.Latest))]
    [InlineData("step:12", typeof(SnapshotRef.AtStep))]
    [InlineData("#3", typeof(SnapshotRef.AtSequence))]
    [InlineData("0d9e81", typeof(SnapshotRef.WithDigest))]
    public void A_reference_is_read_and_printed(string text, Type kind)
    {
        var reference = SnapshotRef.Parse(text);
        Assert.IsType(kind, reference);
        Assert.Equal(text, reference.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("step:")]
    [InlineData("step:-1")]
    [InlineData("#0")]
    [InlineData("0d9")]
    [InlineData("0D9E81")]
    [InlineData("newest")]
    public void A_reference_of_no_form_is_refused(string text) =>
        Assert.Throws<InvalidInputException>(() => SnapshotRef.Parse(text));

    [Fact]
    public void A_digest_prints_as_lower_case_hex_and_reads_nothing_else()
    {
        var digest = Digest.Of("abc"u8);
        Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", digest.ToString());
        Assert.Equal(digest, Digest.Parse(digest.ToString()));
        Assert.False(Digest.TryParse(digest.ToString().ToUpperInvariant(), null, out _));
        Assert.False(Digest.TryParse(digest.ToString()[1..], null, out _));
    }

    [Theory]
    [InlineData("TQ==", true)]
    [InlineData("TR==", false)]
    [InlineData("TQ=", false)]
    [InlineData("TQ", false)]
    [InlineData("T Q==", false)]
    [InlineData("TQ==\n", false)]
    [InlineData("", true)]
    public void Base64_has_one_spelling(string text, bool canonical) =>
        Assert.Equal(canonical, StrictBase64.TryDecode(text, out _));

    /// <summary>Whoever chooses names must not be able to choose them for one place of a table: 2,000 that begin alike.</summary>
    [Fact]
    public void Names_that_begin_alike_lie_in_different_places()
    {
        var names = Enumerable.Range(0, 2_000).Select(i =>
        {
            var bytes = new byte[Digest.Size];
            BitConverter.TryWriteBytes(bytes.AsSpan(Digest.Size - 4), i);
            return new Digest(bytes);
        });
        Assert.True(names.Select(n => n.GetHashCode()).Distinct().Count() > 1_990);
    }
}
