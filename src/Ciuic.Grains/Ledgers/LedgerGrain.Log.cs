using Microsoft.Extensions.Logging;

namespace Ciuic.Grains;

internal static partial class LedgerLog
{
    [LoggerMessage(20, LogLevel.Information, "Ledger {Ledger}: loaded, {Blocks} blocks")]
    public static partial void Loaded(this ILogger logger, string ledger, long blocks);

    [LoggerMessage(21, LogLevel.Warning, "Ledger {Ledger}: another writer has height {Height}; reading on")]
    public static partial void LostRace(this ILogger logger, string ledger, long height);

    [LoggerMessage(22, LogLevel.Error, "Ledger {Ledger}: append failed: {Error}")]
    public static partial void AppendFailed(this ILogger logger, string ledger, string error);

    [LoggerMessage(23, LogLevel.Warning, "Ledger {Ledger}: tree head not published: {Error}")]
    public static partial void PublishFailed(this ILogger logger, string ledger, string error);
}
