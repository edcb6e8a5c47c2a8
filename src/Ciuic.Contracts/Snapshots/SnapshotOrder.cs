using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>What a run tells its new snapshot: everything the root manifest needs beside the shards.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.SnapshotOrder")]
public sealed record SnapshotOrder
{
    /// <summary>The trainer's plan.</summary>
    [Id(0)]
    public required SnapshotPlan Plan { get; init; }

    /// <summary>The right it is written under.</summary>
    [Id(1)]
    public required FencingToken Token { get; init; }

    /// <summary>The chain head it is trained on from.</summary>
    [Id(2)]
    public required SnapshotLink? Parent { get; init; }

    /// <summary>When it was begun, UTC.</summary>
    [Id(3)]
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Height of the ledger below which it cannot be committed, as far as its run knew; 0 where it did not.</summary>
    [Id(4)]
    public long NotBefore { get; init; }
}
