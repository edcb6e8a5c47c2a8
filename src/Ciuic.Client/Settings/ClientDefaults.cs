using Ciuic.Core;
using Ciuic.Storage;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Client;

/// <summary>
/// What a program means that leaves settings out. Who says nothing asks the silo on this machine over HTTP, and sends bytes through it:
/// then there is no second place that could be another one than the silo's.
/// </summary>
internal static class ClientDefaults
{
    /// <summary>Bytes go through the gateway.</summary>
    public const string GatewayUri = "gateway:";

    private const string Uri = $"{StoreSchemes.Section}:Uri";

    /// <summary>The settings with what was left out.</summary>
    /// <param name="given">Null for the environment alone.</param>
    /// <exception cref="InvalidInputException">What was left out cannot be guessed.</exception>
    public static IConfiguration Complete(IConfiguration? given)
    {
        given ??= new ConfigurationBuilder().AddEnvironmentVariables().Build();
        if (given[Uri] is not null)
            return given;
        if (!StrictSettings.Read<ClientOptions>(given, "Ciuic:Client").IsHttp)
        {
            throw new InvalidInputException(
                $"{Uri} is not set: it names the silos' bucket, as they say when they start (a relative path would be another folder here). With "
                + "Ciuic:Client:Mode Http it may be left out: bytes go through the silo then.");
        }

        return new ConfigurationBuilder()
            .AddConfiguration(given)
            .AddInMemoryCollection(new Dictionary<string, string?> { [Uri] = GatewayUri })
            .Build();
    }
}
