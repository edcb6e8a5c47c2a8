using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>What a ledger says about itself.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.LedgerView")]
public sealed record LedgerView
{
    /// <summary>Its name: a folder of the bucket.</summary>
    [Id(0)]
    public required string Name { get; init; }

    /// <summary>Its name in the world.</summary>
    [Id(1)]
    public required string Origin { get; init; }

    /// <summary>Committed blocks.</summary>
    [Id(2)]
    public required long Size { get; init; }

    /// <summary>Blocks that the published tree head covers: those are final.</summary>
    [Id(3)]
    public required long PublishedSize { get; init; }

    /// <summary>Verifier keys of tree heads, oldest first; the last one signs.</summary>
    [Id(4)]
    public required string[] TreeHeadKeys { get; init; }

    /// <summary>Verifier keys of blocks, oldest first; the last one signs.</summary>
    [Id(5)]
    public required string[] BlockKeys { get; init; }

    /// <summary>The quorum's name in the policy; <c>none</c> where the ledger's key alone counts.</summary>
    [Id(6)]
    public required string Quorum { get; init; }

    /// <summary>How far each witness is.</summary>
    [Id(7)]
    public required WitnessView[] Witnesses { get; init; }

    /// <summary>Why the newest blocks are not published yet; null where they are, or will be in a moment.</summary>
    [Id(8)]
    public required string? PublishProblem { get; init; }

    /// <summary>Why nothing more is appended; null where all is well.</summary>
    [Id(9)]
    public required string? Damage { get; init; }

    /// <summary>
    /// The <see cref="ExitCode"/> of <see cref="Damage"/>: whether the ledger is damaged, foreign, or its store does not answer.
    /// 0 where all is well.
    /// </summary>
    [Id(11)]
    public int DamageCode { get; init; }

    /// <summary>When all its objects were last read and found right, or put right, UTC; null where they were not since it was opened.</summary>
    [Id(12)]
    public DateTimeOffset? WholeAt { get; init; }

    /// <summary>The newest objects of the ledger that were missing or damaged and were written again from their copies, and when.</summary>
    [Id(13)]
    public string[] Mended { get; init; } = [];

    /// <summary>Root of the tree over all committed blocks.</summary>
    [Id(10)]
    public required Digest Root { get; init; }
}

/// <summary>What a ledger knows of a witness.</summary>
/// <param name="Name">Its name in the policy.</param>
/// <param name="Size">The largest tree it has cosigned since this silo started.</param>
/// <param name="Problem">Why it did not cosign when it was asked last; null where it did.</param>
/// <param name="Excluded">It broke the protocol and is not asked again before a restart.</param>
[GenerateSerializer, Immutable, Alias("ciuic.WitnessView")]
public sealed record WitnessView(string Name, long Size, string? Problem, bool Excluded);
