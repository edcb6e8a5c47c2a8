using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Core.Tests;

public sealed class RepairTests
{
    private static readonly LedgerRecord Repair = new()
    {
        Kind = RecordKind.Repair,
        Run = Samples.Run,
        Sequence = new Sequence(7),
        Manifest = ManifestDigest.Of("manifest"u8),
        Token = new FencingToken(3),
        Event = 12,
        At = Samples.Time,
        Actor = "anna@host",
        Reason = "trained on after a restored backup",
        Finding = FindingKind.Parent,
    };

    [Fact]
    public void A_repair_is_one_line_of_a_block()
    {
        Golden.Check("record-repair.golden", Repair.Encode());
        Assert.Equal(Repair, LedgerRecord.Decode(Golden.Read("record-repair.golden")));
    }

    [Fact]
    public void A_repair_accepts_one_finding_of_one_snapshot_and_moves_nothing()
    {
        var history = new RunHistory(Samples.Run);
        history.Apply(Samples.Record(7), new LedgerPosition(0, 0));
        var head = history.Head;
        var repair = Repair with { Manifest = head!.Manifest, Token = Samples.Record(7).Token };
        history.Apply(repair, new LedgerPosition(1, 0));
        history.Apply(Samples.Record(8), new LedgerPosition(2, 0));
        Assert.Equal(repair, history.Find(new Sequence(7))!.FindRepair(FindingKind.Parent));
        Assert.Null(history.Find(new Sequence(8))!.FindRepair(FindingKind.Parent));
        Assert.Null(history.Find(new Sequence(7))!.FindRepair("something else"));
        Assert.Equal(head, history.Find(new Sequence(8))!.Parent);
        Assert.Empty(history.Pins);
    }

    [Fact]
    public void A_repair_of_what_was_never_committed_contradicts_history() =>
        Assert.Throws<CorruptException>(() => new RunHistory(Samples.Run).Apply(Repair, new LedgerPosition(0, 0)));
}
