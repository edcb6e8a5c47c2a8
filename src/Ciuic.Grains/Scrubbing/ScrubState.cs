using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>What a scrub stores: where it goes on, and what it has found.</summary>
[GenerateSerializer, Alias("ciuic.ScrubState")]
public sealed record ScrubState
{
    /// <summary>Findings that are kept.</summary>
    public const int MaxFindings = 100;

    /// <summary>The run it is at; null at the beginning of a round.</summary>
    [Id(0)]
    public RunId? Run { get; init; }

    /// <summary>The last event of that run that it has looked at.</summary>
    [Id(1)]
    public long Event { get; init; }

    /// <summary>
    /// The last event of that run when the scrub came to it: what is committed later is read in the next round, or a run that commits
    /// faster than the scrub reads would keep it for ever.
    /// </summary>
    [Id(5)]
    public long Until { get; init; } = long.MaxValue;

    /// <summary>When it may read the next snapshot, UTC.</summary>
    [Id(2)]
    public DateTimeOffset NextAt { get; init; }

    /// <summary>How often the next snapshot could not be read.</summary>
    [Id(4)]
    public int Tries { get; init; }

    /// <summary>Rounds, snapshots, bytes.</summary>
    [Id(3)]
    public ScrubView Done { get; init; } = new() { Rounds = 0, Snapshots = 0, Bytes = 0, LastAt = null, Findings = [] };
}
