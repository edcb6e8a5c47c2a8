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
        Apply(Samples.Record(1) with { Kind = "pin" });
        Assert.Single(_history.Snapshots);
    }

    private static LedgerRecord Rollback(long to) => Samples.Record(to) with
    {
        Kind = RecordKind.Rollback,
        Token = new FencingToken(2),
    };

    private void Apply(LedgerRecord record) => _history.Apply(record, new LedgerPosition(_height++, 0));
}
