using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Grains;

internal static partial class AccessLog
{
    [LoggerMessage(80, LogLevel.Information, "API key {Id} ({Name}): made, {Scope} of runs '{Prefix}*', good until {ExpiresAt}")]
    public static partial void KeyMade(
        this ILogger logger, string id, string name, AccessScope scope, string prefix, DateTimeOffset? expiresAt);

    [LoggerMessage(81, LogLevel.Information, "API key {Id} ({Name}): ended")]
    public static partial void KeyEnded(this ILogger logger, string id, string name);

    [LoggerMessage(82, LogLevel.Warning,
        "API keys: which of them were ended could not be read from the bucket; what this silo has read before counts until it can: {Error}")]
    public static partial void EndedNotRead(this ILogger logger, string error);
}
