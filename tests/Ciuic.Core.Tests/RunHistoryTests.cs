using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Core.Tests;

public sealed class RunHistoryTests
{
    private readonly RunHistory _history = new(Samples.Run);
    private long _height;

    [Fact]
    public void The_head_is_the_newest_commit_and_parents_lead_back()
    {
        Apply(Samples.Record(1));
        Apply(Samples.Record(2));
        Assert.Equal([2L, 1L], _history.Chain().Select(s => s.Link.Sequence.Value));
    }

    [Fact]
    public void A_rollback_moves_the_head_and_keeps_both_branches()
    {
        Apply(Samples.Record(1));
        Apply(Samples.Record(2));
        Apply(Rollback(1));
        Apply(Samples.Record(3) with { Token = new FencingToken(2) });
        Assert.Equal([3L, 1L], _history.Chain().Select(s => s.Link.Sequence.Value));
        Assert.Equal(3, _history.Snapshots.Count);
        Assert.Equal(1, _history.Rollbacks);
    }

    [Fact]
    public void A_sequence_used_twice_contradicts()
    {
        Apply(Samples.Record(2));
        Assert.Throws<CorruptException>(() => Apply(Samples.Record(2)));
        Assert.Throws<CorruptException>(() => Apply(Samples.Record(1)));
    }

    [Fact]
    public void An_older_token_after_a_newer_one_contradicts()
    {
        Apply(Samples.Record(1) with { Token = new FencingToken(5) });
        Assert.Throws<CorruptException>(() => Apply(Samples.Record(2)));
    }

    [Fact]
    public void A_rollback_to_what_was_never_committed_contradicts()
    {
        Apply(Samples.Record(1));
        Assert.Throws<CorruptException>(() => Apply(Rollback(7)));
        Assert.Throws<CorruptException>(() => Apply(Rollback(1) with { Manifest = ManifestDigest.Of("other"u8) }));
    }

    [Fact]
    public void A_kind_of_a_later_version_is_passed_over()
    {
        Apply(Samples.Record(1));
        Apply(Samples.Record(1) with { Kind = "of-a-later-version" });
        Assert.Single(_history.Snapshots);
    }

    [Fact]
    public void A_tag_moves_and_a_pin_stays_until_they_are_taken_away()
    {
        Apply(Samples.Record(1));
        Apply(Samples.Record(2));
        Apply(Mark(RecordKind.Tag, 2, "best"));
        Apply(Mark(RecordKind.Tag, 1, "best"));
        Apply(Mark(RecordKind.Pin, 2, null));
        Assert.Equal(1, _history.Tags["best"].Sequence.Value);
        Assert.Equal(1, _history.Find(SnapshotRef.Parse("tag:best"))!.Link.Sequence.Value);
        Assert.Equal([2L], _history.Pins);
        Apply(Mark(RecordKind.Untag, 1, "best"));
        Apply(Mark(RecordKind.Unpin, 2, null));
        Assert.Empty(_history.Tags);
        Assert.Empty(_history.Pins);
        Assert.Equal(2, _history.Head!.Sequence.Value);
    }

    [Fact]
    public void A_mark_on_what_was_never_committed_or_without_its_name_contradicts()
    {
        Apply(Samples.Record(1));
        Assert.Throws<CorruptException>(() => Apply(Mark(RecordKind.Pin, 7, null)));
        Assert.Throws<CorruptException>(() => Apply(Mark(RecordKind.Tag, 1, null)));
        Assert.Throws<CorruptException>(() => Apply(Mark(RecordKind.Pin, 1, "name")));
    }

    [Theory]
    [InlineData("latest", 3)]
    [InlineData("step:2", 2)]
    [InlineData("#1", 1)]
    [InlineData("#9", null)]
    [InlineData("step:9", null)]
    [InlineData("tag:none", null)]
    [InlineData("0000", null)]
    public void A_reference_names_one_snapshot_or_none(string reference, int? sequence)
    {
        for (var i = 1; i <= 3; i++)
            Apply(Samples.Record(i));
        Assert.Equal(sequence, (int?)_history.Find(SnapshotRef.Parse(reference))?.Link.Sequence.Value);
        var digest = _history.Find(new Sequence(2))!.Link.Manifest.ToString();
        Assert.Equal(2, _history.Find(SnapshotRef.Parse(digest[..9]))!.Link.Sequence.Value);
    }

    private static LedgerRecord Mark(string kind, long on, string? tag) => Samples.Record(on) with
    {
        Kind = kind,
        Tag = tag is null ? null : TagName.Parse(tag),
    };

    private static LedgerRecord Rollback(long to) => Samples.Record(to) with
    {
        Kind = RecordKind.Rollback,
        Token = new FencingToken(2),
    };

    private void Apply(LedgerRecord record) => _history.Apply(record, new LedgerPosition(_height++, 0));
}
