using Ciuic.Core;
using Orleans.Concurrency;

namespace Ciuic.Contracts;

/// <summary>
/// One training run; its key is the run id. Owns the chain head and the lease, hands out fencing tokens, begins
/// snapshots, keeps the history.
/// </summary>
[Alias("ciuic.IRunGrain")]
public interface IRunGrain : IGrainWithStringKey
{
    /// <summary>
    /// Grants the lease, with a larger token, unless another attempt holds a live one. A snapshot in flight is
    /// committed or aborted first, so that the head in the answer is final.
    /// </summary>
    [Alias("Open"), ResponseTimeout("00:05:00")]
    Task<OpenReply> OpenAsync(OpenRequest request);

    /// <summary>Keeps the lease alive. An expired lease that nobody took over comes back to life.</summary>
    [Alias("Renew")]
    Task<LeaseReply> RenewAsync(FencingToken token);

    /// <summary>Says that a rank is done; the last one gives the lease back.</summary>
    [Alias("Close")]
    Task<LeaseReply> CloseAsync(FencingToken token, RankProcess member);

    /// <summary>
    /// Says what a rank has restored. An attempt of several ranks trains once all have restored the same: where one finds a
    /// snapshot damaged, all go back. Asked again until it is no longer <see cref="ReadyOutcome.Waiting"/>.
    /// </summary>
    [Alias("Ready")]
    Task<ReadyReply> ReadyAsync(FencingToken token, RankProcess member, SnapshotLink? restored);

    /// <summary>Begins a snapshot on the chain head.</summary>
    /// <exception cref="InvalidInputException">The plan breaks a limit, or is another one than that of the other ranks.</exception>
    [Alias("BeginSnapshot")]
    Task<BeginReply> BeginSnapshotAsync(FencingToken token, SnapshotPlan plan);

    /// <summary>
    /// Takes note of how far the snapshot in flight is. Only the snapshot calls this; a call that is lost is made good when
    /// the snapshot ends.
    /// </summary>
    [Alias("OnReached")]
    Task OnReachedAsync(SnapshotView snapshot);

    /// <summary>Moves the head to a snapshot that the ledger has committed. Only the snapshot calls this.</summary>
    [Alias("OnCommitted")]
    Task OnCommittedAsync(SnapshotView snapshot);

    /// <summary>Takes note of an aborted snapshot. Only the snapshot calls this.</summary>
    [Alias("OnAborted")]
    Task OnAbortedAsync(SnapshotView snapshot);

    /// <summary>Takes note that a committed snapshot was found damaged. Only a scrub calls this.</summary>
    [Alias("OnDamaged")]
    Task OnDamagedAsync(SnapshotView snapshot, string complaint);

    /// <summary>Moves the chain head back to an older committed snapshot; history keeps both branches.</summary>
    /// <exception cref="InvalidInputException">The reason is empty or too long.</exception>
    [Alias("Rollback"), ResponseTimeout("00:05:00")]
    Task<RollbackReply> RollbackAsync(RollbackRequest request);

    /// <summary>Tags, untags, pins or unpins a committed snapshot. Asking again changes nothing.</summary>
    /// <exception cref="InvalidInputException">The reason is empty or too long, or a tag is missing.</exception>
    [Alias("Mark"), ResponseTimeout("00:05:00")]
    Task<MarkReply> MarkAsync(MarkRequest request);

    /// <summary>
    /// Takes what the ledger says of a run that this database does not know. Only a rebuild calls this, after it has
    /// rebuilt the run's snapshots and history pages.
    /// </summary>
    /// <returns>False where the run is known already: nothing was changed.</returns>
    [Alias("Rebuild")]
    Task<bool> RebuildAsync(RebuiltRun run);

    /// <summary>
    /// Compares a run that this database knows with what the ledger says of it, and takes that. Only a rebuild calls this; again
    /// changes nothing.
    /// </summary>
    /// <param name="ledger">What the ledger says.</param>
    /// <param name="isRebuilt">
    /// Whether the run's snapshots have been rebuilt: a state that the ledger never had is replaced by the ledger's only then.
    /// </param>
    [Alias("CatchUp"), ResponseTimeout("00:05:00")]
    Task<CatchUpOutcome> CatchUpAsync(RebuiltRun ledger, bool isRebuilt);

    /// <summary>How the run stands; null where it was never opened.</summary>
    [Alias("Describe")]
    Task<RunView?> DescribeAsync();

    /// <summary>Up to <paramref name="limit"/> (1 to 1,000) events from number <paramref name="from"/> on, oldest first.</summary>
    [Alias("ReadEvents")]
    Task<RunEvent[]> ReadEventsAsync(long from, int limit);

    /// <summary>
    /// Waits up to <paramref name="patience"/> (at most 20 s) for the event of this number, where it is the next one; otherwise answers
    /// at once.
    /// </summary>
    /// <returns>The number of the newest event; 0 where the run was never opened.</returns>
    [Alias("WaitEvent"), AlwaysInterleave]
    Task<long> WaitEventAsync(long number, TimeSpan patience);
}
