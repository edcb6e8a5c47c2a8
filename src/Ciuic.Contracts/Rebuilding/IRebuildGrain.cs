using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>
/// Brings what a ledger and its bucket say into the database: runs, heads, tags, pins, history. Leases are not among it: every
/// attempt of a run that comes back is fenced. Its key is the ledger's name.
/// </summary>
[Alias("ciuic.IRebuildGrain")]
public interface IRebuildGrain : IGrainWithStringKey
{
    /// <summary>
    /// Begins in the background, or goes on where a rebuild was interrupted. Runs that the database knows are compared with the
    /// ledger, which is right. While one is at work, again changes nothing.
    /// </summary>
    /// <param name="known">A tree head that the ledger must give, for a caller who has seen one; null to believe the published one.</param>
    /// <exception cref="NotFoundException">It is not this cluster's ledger.</exception>
    [Alias("Start")]
    Task StartAsync(TreeHead? known);

    /// <summary>How far it is.</summary>
    [Alias("Describe")]
    Task<RebuildView> DescribeAsync();
}

/// <summary>How far a rebuild is.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.RebuildView")]
public sealed record RebuildView
{
    /// <summary>Whether it is over.</summary>
    [Id(0)]
    public required bool IsOver { get; init; }

    /// <summary>Why it could not go on; null when all is well.</summary>
    [Id(1)]
    public required string? Problem { get; init; }

    /// <summary>Whether the problem is damage in the bucket, and not an absent server.</summary>
    [Id(2)]
    public required bool IsDamage { get; init; }

    /// <summary>Blocks read.</summary>
    [Id(3)]
    public required long Blocks { get; init; }

    /// <summary>Snapshots rebuilt.</summary>
    [Id(4)]
    public required long Snapshots { get; init; }

    /// <summary>Snapshots to rebuild; 0 while unknown.</summary>
    [Id(5)]
    public required long TotalSnapshots { get; init; }

    /// <summary>Runs rebuilt, by name; the first <see cref="MaxListed"/> of them.</summary>
    [Id(6)]
    public required string[] Rebuilt { get; init; }

    /// <summary>Runs that the database knew as the ledger tells them, by name; the first of them.</summary>
    [Id(7)]
    public required string[] Kept { get; init; }

    /// <summary>False where this activation was never started, or another one was at work and is gone.</summary>
    [Id(9)]
    public required bool HasBegun { get; init; }

    /// <summary>Committed snapshots whose manifests are damaged, and how: history has them, nobody can restore them. The first of them.</summary>
    [Id(8)]
    public required string[] Damaged { get; init; }

    /// <summary>Names or damages that are listed of each kind: a view is asked for every second, and is not as long as a bucket has runs.</summary>
    public const int MaxListed = 1_000;

    /// <summary>How many runs were rebuilt.</summary>
    [Id(10)]
    public long RebuiltRuns { get; init; }

    /// <summary>How many runs the database knew already.</summary>
    [Id(11)]
    public long KeptRuns { get; init; }

    /// <summary>How many damages were found.</summary>
    [Id(12)]
    public long Damages { get; init; }

    /// <summary>Runs that the database knew in an older or another state than the ledger's, which they have now, by name; the first of them.</summary>
    [Id(13)]
    public string[] Mended { get; init; } = [];

    /// <summary>How many they are.</summary>
    [Id(14)]
    public long MendedRuns { get; init; }
}
