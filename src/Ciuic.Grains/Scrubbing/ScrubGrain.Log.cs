using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Grains;

internal static partial class ScrubLog
{
    [LoggerMessage(90, LogLevel.Error, "{Snapshot} is committed and DAMAGED in the store: {Complaint}")]
    public static partial void Damaged(this ILogger logger, SnapshotId snapshot, string complaint);

    [LoggerMessage(92, LogLevel.Debug, "Shelf {Shelf}: {Snapshots} snapshots are scrubbed")]
    public static partial void Scrubbed(this ILogger logger, int shelf, long snapshots);

    [LoggerMessage(91, LogLevel.Warning, "Shelf {Shelf} cannot be scrubbed just now: {Error}")]
    public static partial void NotScrubbed(this ILogger logger, int shelf, string error);
}
