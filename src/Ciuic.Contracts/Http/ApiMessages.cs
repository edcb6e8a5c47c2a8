using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>What a gateway serves.</summary>
/// <param name="Version">Of the program.</param>
/// <param name="Store">Where the bytes are, without secrets: whoever writes them directly must write there.</param>
/// <param name="Ledger">Name of the ledger that runs are committed to.</param>
/// <param name="MaxObjectBytes">The largest object it takes.</param>
/// <param name="Origin">The ledger's name in the world.</param>
/// <param name="Bucket">Identity of the bucket: whoever writes bytes directly must find the same where he writes. Null where it has none yet.</param>
public sealed record ServerInfo(
    string Version, string Store, string Ledger, int MaxObjectBytes, string? Origin = null, string? Bucket = null);

/// <summary>A right, to be renewed.</summary>
/// <param name="Token">The token that came with the lease.</param>
public sealed record RenewRequest(FencingToken Token);

/// <summary>A process that leaves.</summary>
/// <param name="Token">The token that came with the lease.</param>
/// <param name="Member">The process.</param>
public sealed record CloseRequest(FencingToken Token, RankProcess Member);

/// <summary>The answer to a call under a token.</summary>
/// <param name="Outcome">How it went.</param>
public sealed record LeaseAnswer(LeaseReply Outcome);

/// <summary>What a rank has restored.</summary>
/// <param name="Token">The token that came with the lease.</param>
/// <param name="Member">The process.</param>
/// <param name="Restored">The snapshot; null where it began from scratch.</param>
public sealed record ReadyRequest(FencingToken Token, RankProcess Member, SnapshotLink? Restored);

/// <summary>A snapshot to begin.</summary>
/// <param name="Token">The token that came with the lease.</param>
/// <param name="Plan">What it will be.</param>
public sealed record BeginRequest(FencingToken Token, SnapshotPlan Plan);

/// <summary>A shard manifest, and the proof that its chunks were sent.</summary>
/// <param name="Manifest">Its bytes.</param>
/// <param name="Receipts">
/// For each of its chunks and then of its bases the receipt that came when it was sent, in base64; null for those that the snapshot before
/// has.
/// </param>
public sealed record ShardUploadRequest(byte[] Manifest, string?[] Receipts);

/// <summary>A rank's shard that is stored whole.</summary>
/// <param name="Token">The token that came with the lease.</param>
/// <param name="Shard">Digest of its manifest.</param>
public sealed record CompleteRequest(FencingToken Token, ShardDigest Shard);

/// <summary>A rank's shard that will not come.</summary>
/// <param name="Token">The token that came with the lease.</param>
/// <param name="Reason">Why.</param>
public sealed record AbandonRequest(FencingToken Token, string Reason);

/// <summary>The answer to a completed shard.</summary>
/// <param name="Outcome">How it went.</param>
public sealed record ShardAnswer(ShardReply Outcome);

/// <summary>Whether a snapshot is final.</summary>
/// <param name="IsFinal">Whether a tree head that the quorum has cosigned covers it.</param>
public sealed record FinalAnswer(bool IsFinal);

/// <summary>How far a run's events are.</summary>
/// <param name="Newest">Number of the newest one; 0 before the first.</param>
public sealed record EventsAnswer(long Newest);

/// <summary>A part of a list.</summary>
/// <param name="Items">The part.</param>
/// <param name="Next">What to ask for to get the next part; null at the end.</param>
public sealed record ApiPage<T>(T[] Items, string? Next);

/// <summary>An object in a bucket.</summary>
/// <param name="Path">Its key.</param>
/// <param name="Length">Its bytes.</param>
public sealed record ApiObject(string Path, long Length);

/// <summary>A key of a ledger to change to.</summary>
/// <param name="To">The next key; the silos have it already.</param>
/// <param name="Actor">Who: it stays in the ledger.</param>
/// <param name="Reason">Why: it stays in the ledger.</param>
public sealed record RotateRequest(VerifierKey To, string Actor, string Reason);

/// <summary>A key that the silos have.</summary>
/// <param name="Key">The key.</param>
public sealed record KeyAnswer(VerifierKey Key);

/// <summary>A run's history to be brought back from the bucket.</summary>
/// <param name="Known">A tree head that the ledger must have had; null where none is known.</param>
public sealed record RebuildRequest(TreeHead? Known);

/// <summary>An error, as RFC 9457 has it.</summary>
public sealed record ApiProblem
{
    /// <summary>The media type of an error.</summary>
    public const string MediaType = "application/problem+json";

    /// <summary>
    /// The header by which an error is known to be a gateway's, with its kind: what lies in between has errors of its own, and answers to HEAD have
    /// no body.
    /// </summary>
    public const string Header = "Ciuic-Problem";

    /// <summary>A link to what it means.</summary>
    public string Type { get; init; } = "about:blank";

    /// <summary>The status in words.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>What happened, to what, and what to do next.</summary>
    public required string Detail { get; init; }

    /// <summary>How to react: invalid, not_found, conflict, fenced, unavailable or corrupt.</summary>
    public string Kind { get; init; } = "";
}
