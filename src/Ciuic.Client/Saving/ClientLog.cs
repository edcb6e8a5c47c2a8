using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

internal static partial class ClientLog
{
    [LoggerMessage(50, LogLevel.Information, "Run {Run}: snapshot #{Sequence} of step {Step} is committed")]
    public static partial void Committed(this ILogger logger, RunId run, Sequence sequence, long step);

    [LoggerMessage(51, LogLevel.Error, "Run {Run}: the save of step {Step} failed: {Error}")]
    public static partial void SaveFailed(this ILogger logger, RunId run, long step, string error);

    [LoggerMessage(52, LogLevel.Warning,
        "Run {Run}: NOTHING IS COMMITTED; training goes on, {Waiting} saves wait: {Error}")]
    public static partial void SiloAway(this ILogger logger, RunId run, int waiting, string error);

    [LoggerMessage(97, LogLevel.Warning, "Run {Run}: no silo answers; the lease is not renewed: {Error}")]
    public static partial void NotRenewed(this ILogger logger, RunId run, string error);

    [LoggerMessage(88, LogLevel.Information, "Run {Run}: a silo answers again; the lease is renewed")]
    public static partial void RenewedAgain(this ILogger logger, RunId run);

    [LoggerMessage(89, LogLevel.Warning,
        "Run {Run}: no silo answers: it is opened without one. It is resumed from the bucket, and what it saves is committed when a silo is back: {Error}")]
    public static partial void OpenedWithoutSilo(this ILogger logger, RunId run, string error);

    [LoggerMessage(90, LogLevel.Warning, "Run {Run}: it cannot be opened yet: {Error}")]
    public static partial void NotOpenedYet(this ILogger logger, RunId run, string error);

    [LoggerMessage(91, LogLevel.Warning, "Run {Run}: closing; {Saves} saves are on their way and waited for as long as they move")]
    public static partial void Closing(this ILogger logger, RunId run, int saves);

    [LoggerMessage(92, LogLevel.Error, "Run {Run}: not everything could be closed: {Error}")]
    public static partial void NotClosed(this ILogger logger, RunId run, string error);

    [LoggerMessage(93, LogLevel.Warning, "Run {Run}: step {Step} is saved after step {Before}: steps fall, and nobody has gone back to an older snapshot")]
    public static partial void StepFell(this ILogger logger, RunId run, long step, long before);

    [LoggerMessage(94, LogLevel.Warning, "Run {Run}: the renewal of its lease has failed in a way that nobody expected: {Error}")]
    public static partial void RenewalFailed(this ILogger logger, RunId run, string error);

    [LoggerMessage(95, LogLevel.Warning,
        "Run {Run}: it was told to end and is saved; the process ends when its program does, because {Reason}")]
    public static partial void LeftToTheProgram(this ILogger logger, RunId run, string reason);

    [LoggerMessage(53, LogLevel.Information, "Run {Run}: the cluster answers again; catching up")]
    public static partial void SiloBack(this ILogger logger, RunId run);

    [LoggerMessage(60, LogLevel.Warning, "Run {Run}: {Snapshot} is {State} after {Waited}, not committed: {Problem}")]
    public static partial void StillWaiting(
        this ILogger logger, RunId run, SnapshotId snapshot, string state, TimeSpan waited, string problem);

    [LoggerMessage(61, LogLevel.Warning, "Run {Run}: {Error} A later rollback of the ledger may go unnoticed here")]
    public static partial void NotRemembered(this ILogger logger, RunId run, string error);

    [LoggerMessage(54, LogLevel.Error,
        "Run {Run}: FENCED: a newer attempt owns it; nothing of this process will be saved any more")]
    public static partial void Fenced(this ILogger logger, RunId run);

    [LoggerMessage(82, LogLevel.Warning, "Run {Run}: it cannot be restored yet, asking again for up to {Patience}: {Error}")]
    public static partial void NotRestoredYet(this ILogger logger, RunId run, TimeSpan patience, string error);

    [LoggerMessage(80, LogLevel.Warning, "Run {Run}: rank {Rank} does not train yet: {Problem}")]
    public static partial void WaitingForRanks(this ILogger logger, RunId run, Rank rank, string problem);

    [LoggerMessage(87, LogLevel.Warning,
        "Run {Run}: the save of step {Step} waits for the shards of other ranks: {Ranks}. All ranks save, at the same steps; where one saves alone "
        + "for all, Ciuic:Ranks:WorldSize is 1")]
    public static partial void WaitingForShards(this ILogger logger, RunId run, long step, string ranks);

    [LoggerMessage(81, LogLevel.Warning, "Run {Run}: the ranks restore again: one of them went back to an older snapshot")]
    public static partial void RestoringAgain(this ILogger logger, RunId run);

    [LoggerMessage(62, LogLevel.Critical, "Run {Run}: NOTHING OF THIS PROCESS WILL BE SAVED: {Error}")]
    public static partial void NothingIsSaved(this ILogger logger, RunId run, string error);

    [LoggerMessage(63, LogLevel.Warning, "Run {Run}: a listener to the progress of saves has thrown: {Error}")]
    public static partial void ListenerFailed(this ILogger logger, RunId run, string error);

    [LoggerMessage(64, LogLevel.Warning, "Run {Run}: the ledger could not be compared with what this machine remembers: {Error}")]
    public static partial void NotCompared(this ILogger logger, RunId run, string error);

    [LoggerMessage(65, LogLevel.Warning, "Run {Run}: the state of step {Step} holds NaN or infinity in {Tensors}")]
    public static partial void NonFinite(this ILogger logger, RunId run, long step, string tensors);

    [LoggerMessage(66, LogLevel.Warning,
        "Run {Run}: all tensors of '{Item}' are unchanged, to the bit, since snapshot #{Since} of step {Before}; step {Step} trained nothing of "
        + "it. If it is not to train, name it in Ciuic:Save:FrozenItems")]
    public static partial void Unchanged(this ILogger logger, RunId run, string item, Sequence since, long before, long step);

    [LoggerMessage(67, LogLevel.Warning,
        "Run {Run}: a state of {Bytes} bytes is larger than Ciuic:Save:MaxStagingBytes ({MaxBytes}): it is saved in parts, training waits for the "
        + "store meanwhile, and nothing is stored as a difference. Twice the state's size would do without")]
    public static partial void InWindows(this ILogger logger, RunId run, long bytes, long maxBytes);

    [LoggerMessage(68, LogLevel.Warning, "Run {Run}: no memory could be made ready for the first save: {Error}")]
    public static partial void NotPrepared(this ILogger logger, RunId run, string error);

    [LoggerMessage(55, LogLevel.Warning, "Run {Run}: chunks of step {Step} cannot be stored yet: {Error}")]
    public static partial void StoreAway(this ILogger logger, RunId run, long step, string error);

    [LoggerMessage(83, LogLevel.Error, "Run {Run}: step {Step} is kept in '{Folder}' and NOT COMMITTED: {Reason}")]
    public static partial void Spooled(this ILogger logger, RunId run, long step, string folder, string reason);

    [LoggerMessage(84, LogLevel.Error, "Run {Run}: the save of step {Step} that was kept on this machine gave way: the spool is full ({MaxBytes} bytes)")]
    public static partial void SpoolGaveWay(this ILogger logger, RunId run, long step, long maxBytes);

    [LoggerMessage(85, LogLevel.Warning, "Run {Run}: saves that are kept on this machine stay there: {Reason}")]
    public static partial void SpoolLeft(this ILogger logger, RunId run, string reason);

    [LoggerMessage(86, LogLevel.Warning, "Run {Run}: step {Step}, which was kept on this machine, is committed now")]
    public static partial void SpoolCommitted(this ILogger logger, RunId run, long step);

    [LoggerMessage(87, LogLevel.Warning, "Run {Run}: step {Step}, which was kept on this machine, is not committed: {Reason}")]
    public static partial void SpoolRemoved(this ILogger logger, RunId run, long step, string reason);

    [LoggerMessage(56, LogLevel.Warning, "Run {Run}: {Damage}; falling back to the snapshot before")]
    public static partial void FellBack(this ILogger logger, RunId run, string damage);

    [LoggerMessage(57, LogLevel.Warning, "Run {Run}: {Signal}: saving at the next step")]
    public static partial void Terminating(this ILogger logger, RunId run, string signal);

    [LoggerMessage(58, LogLevel.Information, "Run {Run}: {Holder} is gone; taking over its lease")]
    public static partial void HolderGone(this ILogger logger, RunId run, TrainerIdentity holder);

    [LoggerMessage(96, LogLevel.Critical, "Run {Run}: HISTORY WAS REWRITTEN while this run was trained: {Error}")]
    public static partial void HistoryRewritten(this ILogger logger, RunId run, string error);

    [LoggerMessage(59, LogLevel.Warning, "Run {Run}: {Repaired} damaged chunks in the bucket were replaced")]
    public static partial void Repaired(this ILogger logger, RunId run, int repaired);
}
