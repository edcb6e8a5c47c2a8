using Ciuic.Core;
using Orleans.Concurrency;

namespace Ciuic.Contracts;

/// <summary>
/// The life of one snapshot; its key is <c>run#sequence</c>. Every call may be repeated, and every step that was
/// begun is finished after a crash by the next call, a timer or a reminder.
/// </summary>
[Alias("ciuic.ISnapshotGrain")]
public interface ISnapshotGrain : IGrainWithStringKey
{
    /// <summary>Begins the snapshot. Only its run calls this. The same order again changes nothing.</summary>
    [Alias("Begin"), AlwaysInterleave]
    Task BeginAsync(SnapshotOrder order);

    /// <summary>
    /// Says that one rank's chunks and shard manifest are stored. When the last one is in, verification and
    /// commit follow in the background.
    /// </summary>
    [Alias("CompleteShard"), AlwaysInterleave]
    Task<ShardReply> CompleteShardAsync(FencingToken token, Rank rank, ShardDigest shard);

    /// <summary>Says that a rank will not store its shard: nobody needs to wait for it, the snapshot is aborted.</summary>
    [Alias("AbandonShard")]
    Task AbandonShardAsync(FencingToken token, Rank rank, string reason);

    /// <summary>
    /// Brings the snapshot to an end now: committed if all shards are in and right, aborted otherwise. Returns
    /// Committed or Aborted. Never waits for its run. The order is that of <see cref="BeginAsync"/>, in case that
    /// call was lost.
    /// </summary>
    /// <exception cref="UnavailableException">Store or ledger do not answer; ask again.</exception>
    [Alias("Settle"), AlwaysInterleave, ResponseTimeout("00:04:00")]
    Task<SnapshotView> SettleAsync(SnapshotOrder order, string reason);

    /// <summary>
    /// Brings the snapshot to an end without waiting for it to be verified: aborted, unless it is verified already; then it will be
    /// committed whatever happens, and is now. Otherwise like <see cref="SettleAsync"/>.
    /// </summary>
    /// <exception cref="UnavailableException">Database or ledger do not answer; ask again.</exception>
    [Alias("End"), AlwaysInterleave, ResponseTimeout("00:04:00")]
    Task<SnapshotView> EndAsync(SnapshotOrder order, string reason);

    /// <summary>
    /// Waits up to <paramref name="patience"/> (at most 20 s) for the snapshot to be committed or aborted; returns
    /// how it stands then.
    /// </summary>
    [Alias("Wait"), AlwaysInterleave]
    Task<SnapshotView?> WaitAsync(TimeSpan patience);

    /// <summary>
    /// Waits up to <paramref name="patience"/> (at most 20 s) for the snapshot to be final: committed, and covered by a
    /// tree head that the quorum has cosigned.
    /// </summary>
    /// <returns>Whether it is final; false also where it is not committed.</returns>
    [Alias("WaitFinal"), AlwaysInterleave]
    Task<bool> WaitFinalAsync(TimeSpan patience);

    /// <summary>
    /// Takes what ledger and bucket say of a committed snapshot that this database does not know, or knows as it was before. Only a
    /// rebuild and its run call this; again changes nothing.
    /// </summary>
    /// <returns>What is wrong with its manifests in the bucket; null when they are whole.</returns>
    [Alias("Rebuild"), AlwaysInterleave, ResponseTimeout("00:02:00")]
    Task<string?> RebuildAsync(RebuiltSnapshot snapshot);

    /// <summary>How it stands; null where it was never begun.</summary>
    [Alias("Get"), AlwaysInterleave]
    Task<SnapshotView?> GetAsync();

    /// <summary>
    /// Has a committed snapshot read whole again, beside the calls, and waits up to <paramref name="patience"/> (at most 20 s) for what
    /// comes of it. Asking again asks for the same reading.
    /// </summary>
    /// <returns>Null while it is being read: ask again.</returns>
    /// <exception cref="UnavailableException">It cannot be read just now; ask again.</exception>
    [Alias("Inspect"), AlwaysInterleave]
    Task<Inspection?> InspectAsync(TimeSpan patience);
}
