using Ciuic.Core;
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

    [LoggerMessage(18, LogLevel.Critical, "Ledger {Ledger}: no tree head is published any more: {Error}")]
    public static partial void PublishStopped(this ILogger logger, string ledger, string error);

    [LoggerMessage(19, LogLevel.Warning, "Ledger {Ledger}: {Error}")]
    public static partial void NotRemembered(this ILogger logger, string ledger, string error);

    [LoggerMessage(24, LogLevel.Warning, "Ledger {Ledger}: committed blocks are not final yet: {Error} Next try in {Pause}")]
    public static partial void PublishDelayed(this ILogger logger, string ledger, string error, TimeSpan pause);

    [LoggerMessage(25, LogLevel.Information, "Ledger {Ledger}: {Role} is signed by {Key} after {Position}")]
    public static partial void Rotated(
        this ILogger logger, string ledger, KeyRole role, VerifierKey key, LedgerPosition position);

    [LoggerMessage(26, LogLevel.Information, "Ledger {Ledger}: all {Blocks} blocks are in place; {Mended} derived objects were written again")]
    public static partial void Checked(this ILogger logger, string ledger, long blocks, int mended);

    [LoggerMessage(30, LogLevel.Warning, "Ledger {Ledger}: missing or damaged in the bucket, and written again from their copies: {Objects}")]
    public static partial void Mended(this ILogger logger, string ledger, string objects);

    [LoggerMessage(31, LogLevel.Warning, "Ledger {Ledger}: its objects could not be looked at: {Error}")]
    public static partial void NotLookedAt(this ILogger logger, string ledger, string error);

    [LoggerMessage(27, LogLevel.Critical, "Ledger {Ledger}: NOTHING MORE IS APPENDED: {Damage}")]
    public static partial void Damaged(this ILogger logger, string ledger, string damage);

    [LoggerMessage(28, LogLevel.Warning, "Ledger {Ledger}: its blocks could not be checked: {Error}")]
    public static partial void NotChecked(this ILogger logger, string ledger, string error);

    [LoggerMessage(29, LogLevel.Warning, "Ledger {Ledger}: this machine's clock is {Behind} behind the newest block; times are clamped")]
    public static partial void ClockBehind(this ILogger logger, string ledger, TimeSpan behind);
}
