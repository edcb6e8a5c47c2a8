using Ciuic.Silo;
using Ciuic.Storage;
using Ciuic.Storage.S3;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Hosting.Tests;

/// <summary>The settings that a container is given, read as the silo reads them.</summary>
/// <param name="variables">Environment variables, and secrets under the names of their files.</param>
internal sealed class SiloEnvironment(IReadOnlyDictionary<string, string> variables)
{
    private const string Prefix = "Ciuic__";

    /// <summary>Values of the right kind for what no file may say.</summary>
    public static readonly IReadOnlyDictionary<string, string> Secrets = new Dictionary<string, string>
    {
        ["Ciuic__Database__PostgreSql"] = "Host=db;Database=ciuic;Username=ciuic;Password=secret",
        ["Ciuic__S3__AccessKey"] = "access",
        ["Ciuic__S3__SecretKey"] = "secret",
        ["Ciuic__Ledger__BlocksKey"] = "made by ciuic key",
        ["Ciuic__Ledger__TreeHeadKey"] = "made by ciuic key",
    };

    private readonly IConfiguration _configuration = new ConfigurationBuilder()
        .AddJsonFile(Path.Combine(Yaml.Root, "appsettings.json"))
        .AddInMemoryCollection(variables
            .Where(v => v.Key.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(v => KeyValuePair.Create(v.Key.Replace("__", ":", StringComparison.Ordinal), (string?)v.Value)))
        .Build();

    /// <summary>All of them; throws where one is no setting, or its value is none for it.</summary>
    public SiloSettings Silo => SiloSettings.Load(_configuration);

    public S3Options S3 => StrictSettings.Read<S3Options>(_configuration, "Ciuic:S3");
}
