using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>What a run stores: the same size whatever its length.</summary>
[GenerateSerializer, Alias("ciuic.RunState")]
public sealed record RunState : INamedState
{
    /// <summary>The newest token handed out.</summary>
    [Id(0)]
    public FencingToken Token { get; init; }

    /// <summary>The lease, live or expired; null when given back.</summary>
    [Id(1)]
    public Lease? Lease { get; init; }

    /// <summary>The chain head.</summary>
    [Id(2)]
    public SnapshotLink? Head { get; init; }

    /// <summary>The head's step.</summary>
    [Id(3)]
    public long? HeadStep { get; init; }

    /// <summary>The newest sequence handed out; 0 before the first.</summary>
    [Id(4)]
    public long LastSequence { get; init; }

    /// <summary>The snapshot in flight.</summary>
    [Id(5)]
    public PendingSnapshot? Pending { get; init; }

    /// <summary>Committed snapshots, all branches.</summary>
    [Id(6)]
    public long Committed { get; init; }

    /// <summary>Number of the newest event.</summary>
    [Id(7)]
    public long LastEvent { get; init; }

    /// <summary>Events that may not be in the history pages yet: those of the last few changes.</summary>
    [Id(8)]
    public RunEvent[] Outbox { get; init; } = [];

    /// <summary>What a person asked for and was decided, but may not be in the ledger yet.</summary>
    public PendingRecord? Unfinished
    {
        get => UnfinishedLater ?? UnfinishedAlways;
        init
        {
            var isLater = value is not null && LedgerRecord.Decode(value.Record).Kind == RecordKind.Repair;
            UnfinishedAlways = isLater ? null : value;
            UnfinishedLater = isLater ? value : null;
        }
    }

    /// <summary>The same, of a kind that all versions know.</summary>
    [Id(9)]
    public PendingRecord? UnfinishedAlways { get; init; }

    /// <summary>Which snapshot has which tag.</summary>
    [Id(10)]
    public Dictionary<string, Sequence> Tags { get; init; } = [];

    /// <summary>Snapshots that must not be forgotten.</summary>
    [Id(11)]
    public Sequence[] Pins { get; init; } = [];

    /// <summary>How far the snapshot in flight is, as the events tell it.</summary>
    [Id(12)]
    public SnapshotState Reached { get; init; }

    /// <summary>The processes of the attempt that holds the lease, by rank.</summary>
    [Id(13)]
    public Dictionary<int, Guid> Ranks { get; init; } = [];

    /// <summary>Ranks of that attempt that have restored the chain head.</summary>
    [Id(14)]
    public int[] ReadyRanks { get; init; } = [];

    /// <summary>The newest save of that attempt that was begun.</summary>
    [Id(15)]
    public long LastSave { get; init; }

    /// <summary>Ranks of that attempt that have closed the run: they do not come back to it.</summary>
    [Id(16)]
    public int[] LeftRanks { get; init; } = [];

    /// <summary>The token that the start in force began with: whoever holds an older one belongs to a start that is over.</summary>
    [Id(17)]
    public FencingToken Began { get; init; }

    /// <summary>What of the run's records in the ledger this state has taken in; null where an older version stored it.</summary>
    [Id(18)]
    public LedgerMark? Ledger { get; init; }

    /// <summary>
    /// The same, of a kind that came later. A silo of before would take it for one that it knows; it does not see it here, and drops it with
    /// its next write: whoever asked for it has had no answer, and asks again.
    /// </summary>
    [Id(19)]
    public PendingRecord? UnfinishedLater { get; init; }

    // The newest event stays in the outbox whatever has gone to the pages.
    bool INamedState.BelongsTo(string name) => Outbox.LastOrDefault()?.Run.Value == name;
}

/// <summary>Which of a run's records in the ledger are in its state.</summary>
/// <param name="Height">All in blocks below this one.</param>
/// <param name="Known">And these, in that block or above; others may stand there as well.</param>
[GenerateSerializer, Immutable, Alias("ciuic.LedgerMark")]
public sealed record LedgerMark(long Height, LedgerPosition[] Known);

/// <summary>A snapshot that was begun and has not ended.</summary>
/// <param name="Sequence">Its place.</param>
/// <param name="Order">What it was begun with, so that beginning it can be repeated.</param>
[GenerateSerializer, Immutable, Alias("ciuic.PendingSnapshot")]
public sealed record PendingSnapshot(Sequence Sequence, SnapshotOrder Order);

/// <summary>A rollback, tag or pin that will be finished whatever dies.</summary>
/// <param name="Record">The ledger record's bytes.</param>
/// <param name="NotBefore">Size of the ledger before the first try.</param>
/// <param name="Target">The snapshot it is about.</param>
/// <param name="TargetStep">Its step.</param>
/// <param name="Detail">Who and why.</param>
[GenerateSerializer, Immutable, Alias("ciuic.PendingRollback")]
public sealed record PendingRecord(
    byte[] Record, long NotBefore, SnapshotLink Target, long TargetStep, string Detail);
