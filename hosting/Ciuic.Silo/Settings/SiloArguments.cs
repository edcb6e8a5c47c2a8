using Ciuic.Core;
using Ciuic.Storage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Ciuic.Silo;

/// <summary>
/// The silo's command line: settings and nothing else. .NET's own reader passes over what it does not understand, and a
/// silo that runs without the setting that was meant is worse than one that does not start.
/// </summary>
internal static class SiloArguments
{
    private const string Prefix = "--";
    private const string LogLevels = "LogLevel";

    /// <summary>All settings: file, environment, command line.</summary>
    /// <exception cref="InvalidInputException">An argument is no setting, or a log level is none.</exception>
    public static IConfiguration Read(string[] args)
    {
        var configuration = SettingsFile.Read(args.Select(Setting));
        foreach (var section in configuration.GetSection("Logging").GetChildren())
            CheckLevels(section.Key == LogLevels ? section : section.GetSection(LogLevels));
        return configuration;
    }

    private static string Setting(string argument) => argument.StartsWith(Prefix, StringComparison.Ordinal)
        ? argument[Prefix.Length..]
        : throw new InvalidInputException(
            $"'{argument}' is no setting: use --NAME=VALUE, such as --Ciuic:Silo:GatewayPort=30001 (--help says more).");

    /// <summary>.NET reads them late, and ends the process with a stack trace.</summary>
    private static void CheckLevels(IConfigurationSection levels)
    {
        foreach (var level in levels.GetChildren())
        {
            if (!Enum.TryParse<LogLevel>(level.Value, ignoreCase: true, out _))
            {
                throw new InvalidInputException(
                    $"{level.Path}: '{level.Value}' is no log level; use {string.Join(", ", Enum.GetNames<LogLevel>())}.");
            }
        }
    }
}
