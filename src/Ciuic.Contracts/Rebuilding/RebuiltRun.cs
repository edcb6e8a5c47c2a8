using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>What the ledger says of a run, as small as a run's state.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.RebuiltRun")]
public sealed record RebuiltRun
{
    /// <summary>Larger than any token that may have been handed out.</summary>
    [Id(0)]
    public required FencingToken Token { get; init; }

    /// <summary>The chain head.</summary>
    [Id(1)]
    public required SnapshotLink? Head { get; init; }

    /// <summary>The head's step.</summary>
    [Id(2)]
    public required long? HeadStep { get; init; }

    /// <summary>The newest sequence that left a trace in the bucket; 0 where there is none.</summary>
    [Id(3)]
    public required long LastSequence { get; init; }

    /// <summary>Committed snapshots, all branches.</summary>
    [Id(4)]
    public required long Committed { get; init; }

    /// <summary>The newest event, which says that the run was rebuilt.</summary>
    [Id(5)]
    public required RunEvent LastEvent { get; init; }

    /// <summary>Which snapshot has which tag.</summary>
    [Id(6)]
    public required Dictionary<string, Sequence> Tags { get; init; }

    /// <summary>Snapshots that must not be forgotten.</summary>
    [Id(7)]
    public required Sequence[] Pins { get; init; }
}
