using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>What a snapshot says about itself.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.SnapshotView")]
public sealed record SnapshotView
{
    /// <summary>The run.</summary>
    [Id(0)]
    public required RunId Run { get; init; }

    /// <summary>The place in the run.</summary>
    [Id(1)]
    public required Sequence Sequence { get; init; }

    /// <summary>Where it stands.</summary>
    [Id(2)]
    public required SnapshotState State { get; init; }

    /// <summary>What it was begun with.</summary>
    [Id(3)]
    public required SnapshotOrder Order { get; init; }

    /// <summary>Its identity, once all shards are in.</summary>
    [Id(4)]
    public required ManifestDigest? Manifest { get; init; }

    /// <summary>Where the ledger commits it.</summary>
    [Id(5)]
    public required LedgerPosition? Position { get; init; }

    /// <summary>Why it was aborted.</summary>
    [Id(6)]
    public required string? Reason { get; init; }

    /// <summary>Ranks whose shards are still missing.</summary>
    [Id(7)]
    public required int[] MissingRanks { get; init; }

    /// <summary>When it reached its last state, UTC.</summary>
    [Id(8)]
    public required DateTimeOffset? SettledAt { get; init; }

    /// <summary>Plain bytes of all shards, once uploaded.</summary>
    [Id(9)]
    public required long Bytes { get; init; }

    /// <summary>What kept it from going on when it was last tried; null where nothing does, or the silo has forgotten.</summary>
    [Id(10)]
    public string? Problem { get; init; }

    /// <summary>Place and identity, once committed.</summary>
    public SnapshotLink? Link => State == SnapshotState.Committed && Manifest is { } digest
        ? new SnapshotLink { Sequence = Sequence, Manifest = digest }
        : null;
}
