using System.ComponentModel.DataAnnotations;

namespace Ciuic.Grains;

/// <summary>Section <c>Ciuic:Snapshots</c>.</summary>
public sealed class SnapshotOptions
{
    /// <summary>
    /// How long all ranks have, from the beginning of a snapshot, to store their shards. Past it the snapshot is
    /// aborted, naming the missing ranks. 1 second to 1 day.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan ShardDeadline { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>
    /// How long a snapshot has, from its beginning, to be verified. Past it it is aborted, saying what kept it: a store that
    /// cannot be read must not keep a run from saving for ever. 1 second to 30 days.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00")]
    public TimeSpan SettleDeadline { get; set; } = TimeSpan.FromHours(2);

    /// <summary>Time between two looks at a snapshot that waits or could not go on.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan RetryInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Chunks one verifier call checks: small enough to spread, large enough to be worth a call. A call also takes no more
    /// than 64 MiB, so that a slow store has time to answer it.
    /// </summary>
    [Range(1, 1_000)]
    public int VerifyBatch { get; set; } = 16;

    /// <summary>Verifiers of each silo that one snapshot keeps busy at once.</summary>
    [Range(1, 1_000)]
    public int Verifiers { get; set; } = 8;

    /// <summary>
    /// Memory of a silo for chunks that it has verified: the next snapshot's are likely to be differences to them. What is in
    /// it was read back and checked when it was committed, and the store is asked whether it is still there; without it every
    /// difference is verified through its whole chain. Never more than a quarter of the memory that the silo may use.
    /// </summary>
    [Range(0, long.MaxValue)]
    public long VerifyCacheBytes { get; set; } = 256L << 20;

    /// <summary>
    /// Memory of a silo in which chunks are checked at once, of all snapshots together: what finds no room waits. 0, the default, for
    /// a quarter of the memory that the silo may use.
    /// </summary>
    [Range(0, long.MaxValue)]
    public long VerifyMemoryBytes { get; set; }
}
