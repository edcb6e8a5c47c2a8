using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>What the ledger says of a committed snapshot.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.RebuiltSnapshot")]
public sealed record RebuiltSnapshot
{
    /// <summary>Its identity.</summary>
    [Id(0)]
    public required ManifestDigest Manifest { get; init; }

    /// <summary>Where the ledger commits it.</summary>
    [Id(1)]
    public required LedgerPosition Position { get; init; }

    /// <summary>The block's time, UTC.</summary>
    [Id(2)]
    public required DateTimeOffset CommittedAt { get; init; }

    /// <summary>Optimizer updates completed.</summary>
    [Id(3)]
    public required long Step { get; init; }

    /// <summary>The right it was written under.</summary>
    [Id(4)]
    public required FencingToken Token { get; init; }

    /// <summary>The chain head it was committed on.</summary>
    [Id(5)]
    public required SnapshotLink? Parent { get; init; }
}
