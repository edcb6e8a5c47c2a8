using Ciuic.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace Ciuic.Silo;

/// <summary>
/// Where a silo's lines go: to the console, as text or, with <c>Logging:Console:FormatterName</c> json, an object a line; each with its time
/// in UTC, printable, and without the runtime's false alarms.
/// </summary>
internal static class SiloLogging
{
    private const string FormatterSetting = "Logging:Console:FormatterName";
    private const string TextTime = "yyyy-MM-dd HH:mm:ss.fff'Z' ";
    private const string JsonTime = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public static void AddTo(ILoggingBuilder logging, IConfiguration configuration)
    {
        logging.AddConfiguration(configuration.GetSection("Logging")).AddConsole();
        logging.Services.PostConfigure<SimpleConsoleFormatterOptions>(o => Stamp(o, TextTime));
        logging.Services.PostConfigure<JsonConsoleFormatterOptions>(o => Stamp(o, JsonTime));
        logging.Services.Replace(ServiceDescriptor.Singleton<ILoggerFactory>(services =>
            new FalseAlarms(new PrintableLoggers(NewFactory(services)), TimeProvider.System)));
    }

    /// <summary>What the container would have made; it disposes of the providers, which are its own.</summary>
    private static LoggerFactory NewFactory(IServiceProvider services) => new(
        services.GetServices<ILoggerProvider>(),
        services.GetRequiredService<IOptionsMonitor<LoggerFilterOptions>>(),
        services.GetRequiredService<IOptions<LoggerFactoryOptions>>());

    /// <summary>Whether programs read the lines: then what people are told must be a line of the log, too.</summary>
    public static bool IsForPrograms(IConfiguration configuration) =>
        configuration[FormatterSetting] is { Length: > 0 } name && !name.Equals(ConsoleFormatterNames.Simple, StringComparison.OrdinalIgnoreCase);

    /// <summary>What the settings say of times is theirs.</summary>
    private static void Stamp(ConsoleFormatterOptions options, string format)
    {
        if (options.TimestampFormat is not null)
            return;
        (options.TimestampFormat, options.UseUtcTimestamp) = (format, true);
    }
}
