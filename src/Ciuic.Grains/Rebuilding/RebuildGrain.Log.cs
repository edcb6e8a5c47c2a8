using Microsoft.Extensions.Logging;

namespace Ciuic.Grains;

internal static partial class RebuildLog
{
    [LoggerMessage(60, LogLevel.Error, "Ledger {Ledger}: rebuild cannot go on: {Error}")]
    public static partial void RebuildFailed(this ILogger logger, string ledger, string error);
}
