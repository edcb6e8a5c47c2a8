namespace Ciuic.Benchmarks;

/// <summary>A part of the cluster's benchmark.</summary>
internal enum ClusterPart
{
    /// <summary>Commits through a silo on PostgreSQL, many runs at once.</summary>
    Commits = 1,

    /// <summary>Saving to and restoring from S3, beside the same server without us.</summary>
    S3,

    /// <summary>Verification by one, two and four silos on a slow store.</summary>
    Verification,

    /// <summary>A silo's memory over many commits.</summary>
    Memory,

    /// <summary>How long nothing is committed after a silo was killed, with our failure detection and with Orleans' defaults.</summary>
    Failover,

    /// <summary>Through the HTTP gateway, beside the same store directly; and many clients at once.</summary>
    Gateway,

    /// <summary>A list of a thousand snapshots.</summary>
    List,
}

/// <summary>What is measured.</summary>
/// <param name="Length">Length of each measurement under load.</param>
/// <param name="Runs">Runs that save at once.</param>
/// <param name="Commits">Commits over which a silo's memory is watched.</param>
/// <param name="Parts">Which parts.</param>
/// <param name="Folder">Works below this folder.</param>
internal sealed record ClusterPlan(TimeSpan Length, int Runs, int Commits, IReadOnlySet<ClusterPart> Parts, string Folder);
