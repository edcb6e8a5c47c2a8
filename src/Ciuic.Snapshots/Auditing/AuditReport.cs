using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>One thing that is not as it was promised.</summary>
/// <param name="Where">The object, snapshot or block.</param>
/// <param name="What">What is wrong with it.</param>
public sealed record AuditFinding(string Where, string What);

/// <summary>One run as the ledger tells it.</summary>
/// <param name="Run">The run.</param>
/// <param name="Snapshots">Committed snapshots, all branches.</param>
/// <param name="Rollbacks">Times the head was moved back.</param>
/// <param name="Head">What it would resume from.</param>
/// <param name="HeadStep">The head's step.</param>
/// <param name="Intact">Committed snapshots of which every byte was read and is right.</param>
public sealed record AuditedRun(
    RunId Run, int Snapshots, int Rollbacks, SnapshotLink? Head, long? HeadStep, int Intact);

/// <summary>What an audit found.</summary>
public sealed record AuditReport
{
    /// <summary>Where the bucket is.</summary>
    public required string Store { get; init; }

    /// <summary>The ledger's name.</summary>
    public required string Ledger { get; init; }

    /// <summary>The ledger's origin.</summary>
    public required string Origin { get; init; }

    /// <summary>Whether the keys came from outside the bucket: only then history is proven, not only consistent.</summary>
    public required bool KeysTrusted { get; init; }

    /// <summary>Blocks read and checked.</summary>
    public required long Blocks { get; init; }

    /// <summary>Root of the tree over them.</summary>
    public required Digest Root { get; init; }

    /// <summary>The published tree head; null where there is none that can be read.</summary>
    public required SignedTreeHead? TreeHead { get; init; }

    /// <summary>Keys that have signed tree heads, oldest first.</summary>
    public required IReadOnlyList<VerifierKey> TreeHeadKeys { get; init; }

    /// <summary>The published tree head's size.</summary>
    public long? PublishedSize => TreeHead?.Head.Size;

    /// <summary>The policy's quorum, which every published tree head was held against; none: the ledger's key alone.</summary>
    public required string Quorum { get; init; }

    /// <summary>Signed tree heads kept beside the newest one.</summary>
    public required int KeptHeads { get; init; }

    /// <summary>Keys that have signed blocks, one after the other.</summary>
    public required int BlockKeys { get; init; }

    /// <summary>The runs, by name.</summary>
    public required IReadOnlyList<AuditedRun> Runs { get; init; }

    /// <summary>Distinct chunks read.</summary>
    public required long Chunks { get; init; }

    /// <summary>Stored bytes of those chunks.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Snapshots with manifests in the bucket and no record in the ledger: pending or aborted, visible to nobody.</summary>
    public required int Uncommitted { get; init; }

    /// <summary>What is wrong; empty when all is well.</summary>
    public required IReadOnlyList<AuditFinding> Findings { get; init; }

    /// <summary>What would be wrong, and was accepted by a record of the ledger that says who did so, and why.</summary>
    public IReadOnlyList<AuditFinding> Repaired { get; init; } = [];

    /// <summary>Nothing is wrong.</summary>
    public bool Passed => Findings.Count == 0;
}

/// <summary>How far an audit is.</summary>
/// <param name="Stage">What it does: blocks, tiles, snapshots.</param>
/// <param name="Done">Things checked.</param>
/// <param name="Total">Things to check; null while unknown.</param>
public readonly record struct AuditProgress(string Stage, long Done, long? Total);
