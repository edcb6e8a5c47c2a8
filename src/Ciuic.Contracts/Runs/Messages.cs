using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>Asks for the right to train a run.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.OpenRequest")]
public sealed record OpenRequest
{
    /// <summary>Made by the trainer once per start: the same attempt asking again gets the same lease.</summary>
    [Id(0)]
    public required Guid Attempt { get; init; }

    /// <summary>The asking process.</summary>
    [Id(1)]
    public required TrainerIdentity Trainer { get; init; }

    /// <summary>
    /// The token of the attempt to fence; null to be refused while another one holds a live lease. Naming the
    /// token keeps two impatient newcomers from fencing each other.
    /// </summary>
    [Id(2)]
    public required FencingToken? TakeOverFrom { get; init; }

    /// <summary>Which of the attempt's processes asks.</summary>
    [Id(3)]
    public Rank Rank { get; init; }

    /// <summary>How many processes the attempt has.</summary>
    [Id(4)]
    public int WorldSize { get; init; } = 1;

    /// <summary>Made once per process, which is how a rank that asks again differs from one that has replaced it.</summary>
    [Id(5)]
    public Guid Process { get; init; }

    /// <summary>The newest token that this process was given; null at first.</summary>
    [Id(6)]
    public FencingToken? Joined { get; init; }

    /// <summary>
    /// Whether a launcher starts all ranks again under the same name, as torchrun does: a new process in the place of one that has
    /// trained is then a new start, and fences the old one. Otherwise it is refused.
    /// </summary>
    [Id(7)]
    public bool NameOutlivesStarts { get; init; }

    /// <summary>The asking process among those of the attempt.</summary>
    public RankProcess Member => new(Rank, Process);
}

/// <summary>One process of an attempt.</summary>
/// <param name="Rank">Its number.</param>
/// <param name="Process">What tells it from others of that number.</param>
[GenerateSerializer, Immutable, Alias("ciuic.RankProcess")]
public sealed record RankProcess(Rank Rank, Guid Process);

/// <summary>Who may write to a run, and until when.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.Lease")]
public sealed record Lease
{
    /// <summary>The holding attempt.</summary>
    [Id(0)]
    public required Guid Attempt { get; init; }

    /// <summary>Its right.</summary>
    [Id(1)]
    public required FencingToken Token { get; init; }

    /// <summary>Its process.</summary>
    [Id(2)]
    public required TrainerIdentity Trainer { get; init; }

    /// <summary>When others may take over unasked, UTC.</summary>
    [Id(3)]
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>How many processes it has.</summary>
    [Id(4)]
    public int WorldSize { get; init; } = 1;
}

/// <summary>The answer to <see cref="OpenRequest"/>.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.OpenReply")]
public sealed record OpenReply
{
    /// <summary>Whether the lease is the asker's; otherwise it says who holds it.</summary>
    [Id(0)]
    public required bool Granted { get; init; }

    /// <summary>The lease in force.</summary>
    [Id(1)]
    public required Lease Lease { get; init; }

    /// <summary>The snapshot to resume from; null before the first commit.</summary>
    [Id(2)]
    public required SnapshotLink? Head { get; init; }

    /// <summary>Time between renewals that keeps the lease alive.</summary>
    [Id(3)]
    public required TimeSpan RenewEvery { get; init; }

    /// <summary>Why this process cannot be part of the attempt that it names, which holds the lease; null where that is not the reason.</summary>
    [Id(4)]
    public string? Misfit { get; init; }

    /// <summary>Whether the asker was part of a start that is over: a newer one has begun.</summary>
    [Id(5)]
    public bool IsOver { get; init; }
}

/// <summary>How far the ranks of an attempt are with restoring one snapshot.</summary>
public enum ReadyOutcome
{
    /// <summary>All have restored it: train.</summary>
    Ready = 1,

    /// <summary>Some have not yet.</summary>
    Waiting,

    /// <summary>The chain head is another one by now: a rank went back to an older snapshot. Open the run again and restore that.</summary>
    Moved,

    /// <summary>The token is not in force: the same, or another attempt owns the run. Opening it tells.</summary>
    Fenced,
}

/// <summary>The answer of a rank that says what it has restored.</summary>
/// <param name="Outcome">How far the ranks are.</param>
/// <param name="MissingRanks">The first of those that have not restored it.</param>
[GenerateSerializer, Immutable, Alias("ciuic.ReadyReply")]
public sealed record ReadyReply(ReadyOutcome Outcome, int[] MissingRanks);

/// <summary>The answer to a call under a token.</summary>
public enum LeaseReply
{
    /// <summary>Done.</summary>
    Held = 1,

    /// <summary>A newer attempt owns the run.</summary>
    Fenced,
}

/// <summary>How beginning a snapshot went.</summary>
public enum BeginOutcome
{
    /// <summary>The snapshot is pending; the same step again, by any rank, gets the same sequence.</summary>
    Begun = 1,

    /// <summary>A newer attempt owns the run.</summary>
    Fenced,

    /// <summary>The attempt's last snapshot is neither committed nor aborted yet; wait for it.</summary>
    Busy,

    /// <summary>The save has ended without this rank: it was aborted, or given up by another rank.</summary>
    Over,
}

/// <summary>The answer to beginning a snapshot.</summary>
/// <param name="Outcome">How it went.</param>
/// <param name="Sequence">The snapshot begun, or the one to wait for.</param>
[GenerateSerializer, Immutable, Alias("ciuic.BeginReply")]
public sealed record BeginReply(BeginOutcome Outcome, Sequence? Sequence);

/// <summary>Asks to move the chain head back.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.RollbackRequest")]
public sealed record RollbackRequest
{
    /// <summary>The committed snapshot to go back to.</summary>
    [Id(0)]
    public required Sequence To { get; init; }

    /// <summary>Why, for whoever reads the ledger.</summary>
    [Id(1)]
    public required string Reason { get; init; }

    /// <summary>Who asks.</summary>
    [Id(2)]
    public required string Actor { get; init; }

    /// <summary>Whether a live attempt is fenced; otherwise it makes the rollback refused.</summary>
    [Id(3)]
    public required bool FenceLiveAttempt { get; init; }

    /// <summary>The attempt that asks, whose lease ends by it: a newer one must not be fenced by an older one. Null: a person asks.</summary>
    [Id(4)]
    public FencingToken? Token { get; init; }

    /// <summary>The head that the asker has found damaged; a run that has gone on since is left alone. Null: whatever it is.</summary>
    [Id(5)]
    public SnapshotLink? From { get; init; }

    /// <summary>
    /// Whether the asker goes back because he has found <see cref="From"/> damaged: the silo reads it itself then, and leaves the head
    /// where it is if it can read it whole.
    /// </summary>
    [Id(6)]
    public bool FromIsDamaged { get; init; }
}

/// <summary>How a rollback went.</summary>
public enum RollbackOutcome
{
    /// <summary>The head is the asked-for snapshot, and the ledger says so.</summary>
    Done = 1,

    /// <summary>There is no such committed snapshot.</summary>
    NotFound,

    /// <summary>A live attempt holds the lease.</summary>
    Leased,

    /// <summary>A newer attempt owns the run, or its head is another one than the asker found.</summary>
    Fenced,

    /// <summary>The silo is still reading the head that the asker has found damaged; nothing is changed yet, ask again.</summary>
    Reading,

    /// <summary>The silo has read the head whole, every byte of it: it is the asker's store that shows something else. Nothing was changed.</summary>
    Whole,
}

/// <summary>The answer to <see cref="RollbackRequest"/>.</summary>
/// <param name="Outcome">How it went.</param>
/// <param name="View">The run afterwards.</param>
[GenerateSerializer, Immutable, Alias("ciuic.RollbackReply")]
public sealed record RollbackReply(RollbackOutcome Outcome, RunView View);

/// <summary>What a person asks to note about a committed snapshot.</summary>
public enum MarkKind
{
    /// <summary>Put a tag on it, taking it from the snapshot that had it.</summary>
    Tag = 1,

    /// <summary>Take the tag away.</summary>
    Untag,

    /// <summary>It must not be forgotten.</summary>
    Pin,

    /// <summary>It may be forgotten again.</summary>
    Unpin,

    /// <summary>
    /// That its manifest names another parent than the head it was committed on is known and accepted: audits name it as repaired.
    /// </summary>
    Repair,
}

/// <summary>Asks to tag, untag, pin or unpin a snapshot.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.MarkRequest")]
public sealed record MarkRequest
{
    /// <summary>What to do.</summary>
    [Id(0)]
    public required MarkKind Kind { get; init; }

    /// <summary>The committed snapshot.</summary>
    [Id(1)]
    public required Sequence Sequence { get; init; }

    /// <summary>The tag; null for pins.</summary>
    [Id(2)]
    public required TagName? Tag { get; init; }

    /// <summary>Why, for whoever reads the ledger.</summary>
    [Id(3)]
    public required string Reason { get; init; }

    /// <summary>Who asks.</summary>
    [Id(4)]
    public required string Actor { get; init; }
}

/// <summary>How marking a snapshot went.</summary>
public enum MarkOutcome
{
    /// <summary>It is as asked for, and the ledger says so.</summary>
    Done = 1,

    /// <summary>There is no such committed snapshot.</summary>
    NotFound,

    /// <summary>The run has as many tags or pins as it may.</summary>
    TooMany,
}

/// <summary>The answer to <see cref="MarkRequest"/>.</summary>
/// <param name="Outcome">How it went.</param>
/// <param name="View">The run afterwards.</param>
[GenerateSerializer, Immutable, Alias("ciuic.MarkReply")]
public sealed record MarkReply(MarkOutcome Outcome, RunView View);

/// <summary>What a run says about itself.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.RunView")]
public sealed record RunView
{
    /// <summary>The run.</summary>
    [Id(0)]
    public required RunId Run { get; init; }

    /// <summary>The snapshot it would resume from.</summary>
    [Id(1)]
    public required SnapshotLink? Head { get; init; }

    /// <summary>The head's step.</summary>
    [Id(2)]
    public required long? HeadStep { get; init; }

    /// <summary>Committed snapshots, all branches.</summary>
    [Id(3)]
    public required long Committed { get; init; }

    /// <summary>The lease in force, live or expired; null when it was given back.</summary>
    [Id(4)]
    public required Lease? Lease { get; init; }

    /// <summary>Whether the lease is live.</summary>
    [Id(5)]
    public required bool LeaseIsLive { get; init; }

    /// <summary>The snapshot in flight.</summary>
    [Id(6)]
    public required Sequence? Pending { get; init; }

    /// <summary>Number of the newest event.</summary>
    [Id(7)]
    public required long LastEvent { get; init; }

    /// <summary>When the newest event happened, UTC.</summary>
    [Id(8)]
    public required DateTimeOffset? ChangedAt { get; init; }

    /// <summary>Which snapshot has which tag.</summary>
    [Id(9)]
    public required Dictionary<string, Sequence> Tags { get; init; }

    /// <summary>Snapshots that must not be forgotten.</summary>
    [Id(10)]
    public required Sequence[] Pins { get; init; }

    /// <summary>The largest number that was given to a snapshot, whatever became of it; 0 before the first, and from older silos.</summary>
    [Id(11)]
    public long LastSequence { get; init; }
}
