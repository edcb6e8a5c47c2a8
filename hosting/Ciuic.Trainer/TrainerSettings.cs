using Ciuic.Core;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Trainer;

/// <summary>appsettings.json beside the program, the environment, then what the command line says.</summary>
internal static class TrainerSettings
{
    public static IConfiguration Read(IEnumerable<string> overrides) => new ConfigurationBuilder()
        .AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"))
        .AddEnvironmentVariables()
        .AddInMemoryCollection(overrides.Select(Split))
        .Build();

    private static KeyValuePair<string, string?> Split(string setting)
    {
        var parts = setting.Split('=', 2);
        return parts.Length == 2
            ? KeyValuePair.Create(parts[0], (string?)parts[1])
            : throw new InvalidInputException($"--set: '{setting}' is not NAME=VALUE.");
    }
}
