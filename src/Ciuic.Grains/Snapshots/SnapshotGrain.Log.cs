using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Grains;

internal static partial class SnapshotLog
{
    [LoggerMessage(10, LogLevel.Information, "Snapshot {Snapshot}: committed at {Position}")]
    public static partial void Committed(this ILogger logger, SnapshotId snapshot, LedgerPosition position);

    [LoggerMessage(11, LogLevel.Warning, "Snapshot {Snapshot}: aborted: {Reason}")]
    public static partial void Aborted(this ILogger logger, SnapshotId snapshot, string reason);

    [LoggerMessage(13, LogLevel.Debug, "Snapshot {Snapshot}: its run was not told how far it is: {Error}")]
    public static partial void NotTold(this ILogger logger, SnapshotId snapshot, string error);

    [LoggerMessage(12, LogLevel.Warning, "Snapshot {Snapshot}: cannot go on yet: {Error}")]
    public static partial void Stuck(this ILogger logger, SnapshotId snapshot, string error);
}
