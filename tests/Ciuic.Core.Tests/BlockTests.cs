using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Core.Tests;

public sealed class BlockTests
{
    private static readonly VerifierKey[] Keys = [TestKeys.Blocks.Verifier];

    [Fact]
    public void Blocks_and_tree_heads_have_the_bytes_they_always_had()
    {
        var (tip, blocks) = Chain(3);
        for (var height = 0; height < blocks.Count; height++)
            Golden.Check($"block-{height}.golden", blocks[height]);
        Golden.Check("checkpoint.golden", tip.Head.Sign(TestKeys.TreeHead));
    }

    [Fact]
    public void A_block_says_what_went_in()
    {
        var (_, blocks) = Chain(1);
        var block = Block.Open(blocks[0], Keys);
        Assert.Equal(0, block.Height);
        Assert.Equal(MerkleHash.Empty, block.Previous);
        Assert.Equal(Samples.Record(1), Assert.Single(block.Facts()).Record);
    }

    [Fact]
    public void Every_flipped_bit_of_a_block_is_found()
    {
        var (_, blocks) = Chain(2);
        var tip = Chain(1).Tip;
        for (var i = 0; i < blocks[1].Length; i++)
        {
            var damaged = blocks[1].ToArray();
            damaged[i] ^= 1;
            Assert.ThrowsAny<CorruptException>(() => tip.Follow(Block.Open(damaged, Keys), damaged));
        }
    }

    [Theory]
    [InlineData("{\n}")]
    [InlineData("{\t}")]
    public void A_record_that_no_block_could_be_read_with_is_neither_taken_nor_signed(string line)
    {
        var record = System.Text.Encoding.UTF8.GetBytes(line);
        Assert.Throws<InvalidInputException>(() => LedgerRecord.Decode(record));
        Assert.Throws<InvalidInputException>(
            () => LedgerTip.Start(TestKeys.Public).Next(Samples.Time, [record]).Sign(TestKeys.Blocks));
    }

    [Fact]
    public void A_record_that_is_no_text_is_not_signed() => Assert.Throws<InvalidInputException>(
        () => LedgerTip.Start(TestKeys.Public).Next(Samples.Time, [[0xC2]]).Sign(TestKeys.Blocks));

    [Fact]
    public void A_truncated_block_is_refused()
    {
        var block = Chain(1).Blocks[0];
        for (var length = 0; length < block.Length; length += 7)
            Assert.Throws<CorruptException>(() => Block.Open(block.AsSpan(0, length), Keys));
    }

    [Fact]
    public void A_block_signed_by_another_key_of_the_same_name_is_refused()
    {
        var forged = LedgerTip.Start(TestKeys.Public).Next(Samples.Time, [Samples.Record(1).Encode()]).Sign(TestKeys.Stranger);
        Assert.Throws<CorruptException>(() => Block.Open(forged, Keys));
    }

    [Theory]
    [InlineData("height 1", "height 01")]
    [InlineData("height 1", "height 2")]
    [InlineData("records 1", "records 2")]
    [InlineData("origin ciuic.test/ledger", "origin elsewhere")]
    [InlineData("ciuic.dev/block/v1", "ciuic.dev/block/v2")]
    [InlineData("time ", "time  ")]
    public void A_well_signed_block_that_lies_is_refused(string said, string lie)
    {
        var tip = Chain(1).Tip;
        var text = SignedNote.Parse(Chain(2).Blocks[1]).Text.Replace(said, lie, StringComparison.Ordinal);
        var forged = SignedNote.Sign(text, TestKeys.Blocks);
        Assert.Throws<CorruptException>(() => tip.Follow(Block.Open(forged, Keys), forged));
    }

    [Fact]
    public void Swapped_blocks_do_not_follow()
    {
        var (_, blocks) = Chain(3);
        var tip = Chain(1).Tip;
        Assert.Throws<CorruptException>(() => tip.Follow(Block.Open(blocks[2], Keys), blocks[2]));
    }

    [Fact]
    public void Block_time_grows_even_when_the_clock_goes_back()
    {
        var tip = Chain(1).Tip;
        var next = tip.Next(Samples.Time.AddYears(-1), [Samples.Record(2).Encode()]);
        Assert.Equal(tip.LastTimeMs + 1, next.TimeMs);
    }

    [Fact]
    public void A_block_too_long_for_a_bundle_is_refused()
    {
        var records = Enumerable.Range(1, 1_000).Select(i => Samples.Record(i).Encode()).ToList();
        Assert.Throws<InvalidInputException>(() =>
            LedgerTip.Start(TestKeys.Public).Next(Samples.Time, records).Sign(TestKeys.Blocks));
    }

    [Fact]
    public void A_tree_head_of_another_origin_or_spelling_is_refused()
    {
        var head = Chain(2).Tip.Head;
        VerifierKey[] known = [TestKeys.TreeHead.Verifier];
        Assert.Equal(head, TreeHead.Open(head.Sign(TestKeys.TreeHead), TestKeys.Origin, known));
        Assert.Throws<CorruptException>(() => TreeHead.Open(head.Sign(TestKeys.TreeHead), "elsewhere", known));
        var spelled = SignedNote.Sign(head.ToText().Replace("\n2\n", "\n02\n", StringComparison.Ordinal), TestKeys.TreeHead);
        Assert.Throws<CorruptException>(() => TreeHead.Open(spelled, TestKeys.Origin, known));
        var longer = SignedNote.Sign(head.ToText() + "extension\n", TestKeys.TreeHead);
        Assert.Throws<CorruptException>(() => TreeHead.Open(longer, TestKeys.Origin, known));
    }

    [Fact]
    public void A_reason_may_hold_anything_without_breaking_the_line()
    {
        var record = Samples.Record(1) with { Kind = RecordKind.Rollback, Reason = "a\nb\r\u2028 \u0000 \"x\"" };
        var line = record.Encode();
        Assert.DoesNotContain((byte)'\n', line);
        var tip = LedgerTip.Start(TestKeys.Public);
        var bytes = tip.Next(Samples.Time, [line]).Sign(TestKeys.Blocks);
        Assert.Equal(record, Assert.Single(Block.Open(bytes, Keys).Facts()).Record);
    }

    internal static (LedgerTip Tip, List<byte[]> Blocks) Chain(int length)
    {
        var tip = LedgerTip.Start(TestKeys.Public);
        var blocks = new List<byte[]>();
        for (var i = 1; i <= length; i++)
        {
            var block = tip.Next(Samples.Time.AddSeconds(i), [Samples.Record(i).Encode()]);
            blocks.Add(block.Sign(TestKeys.Blocks));
            tip = tip.Follow(block, blocks[^1]);
        }

        return (tip, blocks);
    }
}
