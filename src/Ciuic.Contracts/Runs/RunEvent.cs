using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>What can happen to a run. The numbers are stored; never reuse one.</summary>
[GenerateSerializer, Alias("ciuic.RunEventKind")]
public enum RunEventKind
{
    /// <summary>An attempt took the lease.</summary>
    Opened = 1,

    /// <summary>An attempt gave the lease back.</summary>
    Closed = 2,

    /// <summary>A snapshot was begun.</summary>
    Begun = 3,

    /// <summary>A snapshot was committed and is the chain head.</summary>
    Committed = 4,

    /// <summary>A snapshot was given up.</summary>
    Aborted = 5,

    /// <summary>The chain head was moved back.</summary>
    RolledBack = 6,

    /// <summary>A snapshot got a tag; the detail begins with its name.</summary>
    Tagged = 7,

    /// <summary>A snapshot lost a tag; the detail begins with its name.</summary>
    Untagged = 8,

    /// <summary>A snapshot was pinned.</summary>
    Pinned = 9,

    /// <summary>A snapshot is pinned no more.</summary>
    Unpinned = 10,

    /// <summary>The run was rebuilt from its ledger: numbers before this one were given anew.</summary>
    Rebuilt = 11,

    /// <summary>All shards of a snapshot are in.</summary>
    Uploaded = 12,

    /// <summary>Every byte of a snapshot was read back and is right.</summary>
    Verified = 13,

    /// <summary>A committed snapshot was read again and is damaged; the detail names rank, tensor and chunk.</summary>
    Damaged = 14,

    /// <summary>What an audit finds wrong with a snapshot's place in history was accepted; the detail says by whom and why.</summary>
    Repaired = 16,
}

/// <summary>
/// One state change of a run. Events are numbered without gaps; the run's history has them all.
/// </summary>
[GenerateSerializer, Immutable, Alias("ciuic.RunEvent")]
public sealed record RunEvent
{
    /// <summary>Its number within the run, from 1, without gaps.</summary>
    [Id(0)]
    public required long Number { get; init; }

    /// <summary>The run.</summary>
    [Id(1)]
    public required RunId Run { get; init; }

    /// <summary>What happened.</summary>
    [Id(2)]
    public required RunEventKind Kind { get; init; }

    /// <summary>When, UTC.</summary>
    [Id(3)]
    public required DateTimeOffset At { get; init; }

    /// <summary>The attempt's token.</summary>
    [Id(4)]
    public required FencingToken Token { get; init; }

    /// <summary>The snapshot it happened to, if one.</summary>
    [Id(5)]
    public Sequence? Sequence { get; init; }

    /// <summary>The snapshot's step.</summary>
    [Id(6)]
    public long? Step { get; init; }

    /// <summary>The snapshot's identity, once it has one.</summary>
    [Id(7)]
    public ManifestDigest? Manifest { get; init; }

    /// <summary>The snapshot before it on its branch.</summary>
    [Id(8)]
    public Sequence? Parent { get; init; }

    /// <summary>Who, or why.</summary>
    [Id(9)]
    public string? Detail { get; init; }
}
