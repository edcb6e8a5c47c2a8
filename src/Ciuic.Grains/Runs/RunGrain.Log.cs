using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Grains;

internal static partial class RunLog
{
    [LoggerMessage(1, LogLevel.Information, "Run {Run}: opened by {Trainer} with token {Token}")]
    public static partial void Opened(this ILogger logger, RunId run, TrainerIdentity trainer, FencingToken token);

    [LoggerMessage(2, LogLevel.Information, "Run {Run}: refused to {Trainer}, leased until {ExpiresAt}")]
    public static partial void Refused(
        this ILogger logger, RunId run, TrainerIdentity trainer, DateTimeOffset? expiresAt);

    [LoggerMessage(3, LogLevel.Information, "Run {Run}: head is #{Sequence}, step {Step}")]
    public static partial void HeadMoved(this ILogger logger, RunId run, Sequence sequence, long step);

    [LoggerMessage(6, LogLevel.Information, "Run {Run}: {What} #{Sequence}")]
    public static partial void Noted(this ILogger logger, RunId run, Contracts.RunEventKind what, Sequence sequence);

    [LoggerMessage(5, LogLevel.Information, "Run {Run}: rebuilt from the ledger, {Snapshots} snapshots")]
    public static partial void Rebuilt(this ILogger logger, RunId run, long snapshots);

    [LoggerMessage(4, LogLevel.Warning,
        "Run {Run}: this database was older than its ledger; {Records} records were taken in, the head was #{Before} and is #{Head}")]
    public static partial void CaughtUp(this ILogger logger, RunId run, int records, long before, long head);

    [LoggerMessage(12, LogLevel.Debug, "Run {Run}: it could not be compared with its ledger, and is shown as the database knows it: {Error}")]
    public static partial void NotCaughtUp(this ILogger logger, RunId run, string error);

    [LoggerMessage(7, LogLevel.Warning, "Run {Run}: a decision is not in the ledger yet: {Error}")]
    public static partial void NotFinished(this ILogger logger, RunId run, string error);

    [LoggerMessage(8, LogLevel.Warning, "Run {Run}: no reminder could be set, only a timer looks after its snapshot: {Error}")]
    public static partial void NotReminded(this ILogger logger, RunId run, string error);

    [LoggerMessage(9, LogLevel.Warning, "Run {Run}: its events could not be moved to their page, and stay where they are: {Error}")]
    public static partial void NotFlushed(this ILogger logger, RunId run, string error);

    [LoggerMessage(14, LogLevel.Warning, "Run {Run}: {Trainer} finds its head #{Sequence} damaged, but this silo has read it whole: the head stays")]
    public static partial void FoundWhole(this ILogger logger, RunId run, Sequence sequence, string trainer);
}
