using Ciuic.Core;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Storage;

/// <summary>
/// The settings of this repository's programs: appsettings.json beside the program, then a folder of files, then the
/// environment, then the command line. Without the file every option has the default that its code says: a program that is one file
/// needs no other. A program that embeds the client brings a configuration of its own.
/// </summary>
public static class SettingsFile
{
    /// <summary>
    /// The environment variable that names a folder in which each file is a setting: named as its environment variable would be, such
    /// as <c>Ciuic__S3__SecretKey</c>. Container engines hand over secrets so. Not set: there is none.
    /// </summary>
    public const string FolderVariable = "CIUIC_SETTINGS_FOLDER";

    private const string Name = "appsettings.json";

    private static readonly string[] Sections = [StrictSettings.Root, "Logging", "Orleans"];

    /// <summary>Reads all of them.</summary>
    /// <param name="overrides">What the command line says, each NAME=VALUE.</param>
    /// <exception cref="InvalidInputException">The file is malformed, or a name is none of ours.</exception>
    public static IConfiguration Read(IEnumerable<string> overrides)
    {
        var given = Parse(overrides);
        var file = ReadFile();
        foreach (var section in file.GetChildren())
            EnsureKnown(section.Key, $"{Name}: '{section.Key}'");
        return new ConfigurationBuilder()
            .AddConfiguration(file)
            .AddConfiguration(ReadFolder())
            .AddEnvironmentVariables()
            .AddInMemoryCollection(given)
            .Build();
    }

    /// <summary>What a program says about an error: one of the settings file's own reader becomes one of ours.</summary>
    public static Exception Explain(Exception error) => error is InvalidDataException or FileNotFoundException
        && error.Message.Contains(Name, StringComparison.Ordinal)
        ? new InvalidInputException($"{Name} cannot be read: {error.GetBaseException().Message.ReplaceLineEndings(" ")}", error)
        : error;

    private static IConfigurationRoot ReadFile()
    {
        try
        {
            return new ConfigurationBuilder().AddJsonFile(Path.Combine(AppContext.BaseDirectory, Name), optional: true).Build();
        }
        catch (Exception error) when (error is InvalidDataException or FileNotFoundException)
        {
            throw Explain(error);
        }
    }

    private static IConfigurationRoot ReadFolder()
    {
        var folder = Environment.GetEnvironmentVariable(FolderVariable);
        if (string.IsNullOrEmpty(folder))
            return new ConfigurationBuilder().Build();
        try
        {
            var settings = new ConfigurationBuilder().AddKeyPerFile(Path.GetFullPath(HomePath.Expand(folder))).Build();
            foreach (var section in settings.GetChildren())
                EnsureKnown(section.Key, $"{FolderVariable}: the file '{section.Key}' in '{folder}'");
            return settings;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{FolderVariable}: '{folder}' cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Of a setting given twice the last one counts.</summary>
    private static Dictionary<string, string?> Parse(IEnumerable<string> overrides)
    {
        var given = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (var setting in overrides)
        {
            var parts = setting.Split('=', 2);
            if (parts.Length != 2)
                throw new InvalidInputException($"'{setting}' is not NAME=VALUE, such as Ciuic:Save:EverySteps=5.");
            EnsureKnown(parts[0].Split(':')[0], $"'{parts[0]}'");
            given[parts[0]] = parts[1];
        }

        return given;
    }

    private static void EnsureKnown(string section, string what)
    {
        if (!Sections.Contains(section, StringComparer.OrdinalIgnoreCase))
            throw new InvalidInputException($"{what} is no setting: all begin with {string.Join(" or ", Sections)}.");
    }
}
