using Microsoft.Extensions.Logging;

namespace Ciuic.Grains;

internal static partial class ForeignErrorLog
{
    [LoggerMessage(70, LogLevel.Warning, "{Grain}.{Method} ended with an error of another library, and its caller is told so in short")]
    public static partial void Foreign(this ILogger logger, string grain, string method, Exception error);
}
