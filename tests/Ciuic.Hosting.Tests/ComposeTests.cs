using System.Text.RegularExpressions;
using Ciuic.Storage;

namespace Ciuic.Hosting.Tests;

/// <summary>hosting/compose: whatever compose.yaml names is there, and means what the silo means by it.</summary>
public sealed partial class ComposeTests
{
    /// <summary>What the variables of the environment's example stand for.</summary>
    internal const string Origin = "ciuic.example.org/main";

    private static readonly string Source = File.ReadAllText(Yaml.PathOf("compose", "compose.yaml"));

    private static readonly object Compose = Yaml.Load("compose", "compose.yaml");

    private static readonly IReadOnlyDictionary<string, object?> Services = Compose.Map("services");

    internal static IEnumerable<KeyValuePair<string, object?>> Silos =>
        Services.Where(s => s.Key.StartsWith("silo", StringComparison.Ordinal));

    [Fact]
    public void Every_secret_volume_and_network_is_defined_and_none_is_left_over()
    {
        var secrets = Services.Values.SelectMany(SecretsOf).Select(s => s.Name);
        Assert.Equal(Sorted(Compose.Map("secrets").Keys), Sorted(secrets.Distinct()));
        var mounts = Services.Values.SelectMany(s => s.List("volumes")).Cast<string>().Select(v => v.Split(':')[0]).ToList();
        Assert.Equal(Sorted(Compose.Map("volumes").Keys), Sorted(mounts.Where(m => m[0] != '.')));
        Assert.All(mounts.Where(m => m[0] == '.'), m => Assert.True(File.Exists(Yaml.PathOf("compose", m))));
        var network = Assert.Single(Compose.Map("networks")).Key;
        var used = Services.Values.Select(s => Assert.Single(s.Map("networks").Keys.Concat(s.List("networks").OfType<string>())));
        Assert.All(used, n => Assert.Equal(network, n));
    }

    [Fact]
    public void Who_waits_for_another_waits_for_something_that_it_tells()
    {
        var conditions = Services.Values.SelectMany(s => s.Map("depends_on")).ToList();
        Assert.NotEmpty(conditions);
        foreach (var (needed, condition) in conditions)
        {
            var health = Services[needed].At("healthcheck");
            var tellsHealth = health.At("disable") is null && health.At("test") is not null;
            Assert.Equal(tellsHealth ? "service_healthy" : "service_completed_successfully", condition.Text("condition"));
        }
    }

    [Fact]
    public void Every_variable_is_in_the_example_and_the_other_way_round()
    {
        var example = File.ReadAllLines(Yaml.PathOf("compose", "env.example"))
            .Where(l => l.Length > 0 && l[0] != '#')
            .Select(l => l.Split('=', 2)[0]);
        Assert.Equal(Sorted(example), Sorted(Variable().Matches(Source).Select(m => m.Groups[1].Value).Distinct()));
    }

    [Fact]
    public void Three_silos_take_every_setting_differ_in_their_address_and_are_asked_where_they_tell()
    {
        Assert.Equal(3, Silos.Count());
        foreach (var (name, silo) in Silos)
        {
            var settings = new SiloEnvironment(VariablesOf(silo)).Silo;
            Assert.Equal(settings.Silo.Address, silo.Text("networks", "ciuic", "ipv4_address"));
            Assert.StartsWith("172.31.77.", settings.Silo.Address);
            Assert.True(settings.Silo.HealthPort > 0);
            Assert.Equal(["CMD", "ciuic", "silo", "health"], silo.List("healthcheck", "test"));
            Assert.True(Seconds(silo.Text("healthcheck", "timeout")) > settings.Silo.HealthTimeout);
            Assert.True(Seconds(silo.Text("stop_grace_period")) >= settings.Silo.DrainTimeout + TimeSpan.FromSeconds(5));
            var volume = Assert.IsType<string>(Assert.Single(silo.List("volumes"))).Split(':');
            Assert.Equal(name, volume[0]);
            Assert.StartsWith(volume[1], settings.Ledger.StateDirectory);
        }

        Assert.Equal(3, Silos.Select(s => s.Value.Text("environment", "Ciuic__Silo__Address")).Distinct().Count());
    }

    [Fact]
    public void The_store_is_where_the_silos_look_for_it()
    {
        var (settings, store) = (new SiloEnvironment(VariablesOf(Services["silo1"])), Services["store"]);
        Assert.StartsWith($"s3://{store.Text("environment", "CEPH_BUCKET")}", settings.Silo.Store.Uri);
        Assert.Equal($"http://store:{store.Text("environment", "CEPH_S3_LISTEN").Split(':')[1]}", settings.S3.Endpoint);
    }

    [Fact]
    public void Secrets_of_silos_are_files_named_as_settings_where_they_are_looked_for()
    {
        foreach (var service in Silos.Select(s => s.Value).Append(Services["init-db"]))
        {
            Assert.Equal("/run/secrets", service.Text("environment", SettingsFile.FolderVariable));
            var settings = SecretsOf(service).Where(s => s.Path.StartsWith("/run/secrets/", StringComparison.Ordinal)).Select(s => s.Name);
            Assert.Empty(settings.Except(SiloEnvironment.Secrets.Keys));
        }

        Assert.All(Silos, s => Assert.Empty(SiloEnvironment.Secrets.Keys.Except(SecretsOf(s.Value).Select(secret => secret.Name))));
        Assert.All(Compose.Map("secrets"), s => Assert.Equal($"secrets/{s.Key}", s.Value.Text("file")));
        Assert.Contains("secrets/", File.ReadAllLines(Yaml.PathOf("compose", ".gitignore")));
    }

    [Fact]
    public void Gateways_have_a_certificate_where_it_is_mounted_and_only_their_port_is_published_to_this_machine()
    {
        Assert.All(Services.Where(s => !Silos.Contains(s)), s => Assert.Null(s.Value.At("ports")));
        foreach (var (_, silo) in Silos)
        {
            var gateway = new SiloEnvironment(VariablesOf(silo)).Silo.Gateway;
            var mounted = SecretsOf(silo).ToDictionary(s => s.Name, s => s.Path);
            Assert.Equal(mounted["gateway-certificate"], gateway.CertificateFile);
            Assert.Equal(mounted["gateway-key"], gateway.CertificateKeyFile);
            var published = Assert.IsType<string>(Assert.Single(silo.List("ports")));
            Assert.Matches($@"^127\.0\.0\.1:\d+:{gateway.Port}$", published);
        }
    }

    [Fact]
    public void Images_have_exact_versions()
    {
        foreach (var service in Services.Values.Where(s => s.At("build") is null))
            Assert.Matches(@":v?\d+\.\d+(\.\d+)?(-\w+)?$", service.Text("image"));
        Assert.All(Silos, s => Assert.Equal("hosting/Dockerfile", s.Value.Text("build", "dockerfile")));
        Assert.Equal(Yaml.Root, Path.GetFullPath(Yaml.PathOf("compose", Services["silo1"].Text("build", "context"))));
    }

    /// <summary>What a silo is given, with secrets as there might be.</summary>
    internal static Dictionary<string, string> VariablesOf(object? silo)
    {
        var variables = new Dictionary<string, string>(SiloEnvironment.Secrets);
        foreach (var (name, value) in silo.Map("environment"))
            variables.Add(name, Variable().Replace(Assert.IsType<string>(value), Origin));
        return variables;
    }

    /// <summary>Secrets by name, and where the container finds each.</summary>
    private static IEnumerable<(string Name, string Path)> SecretsOf(object? service) => service.List("secrets").Select(secret =>
        secret is string name ? (name, $"/run/secrets/{name}") : (secret.Text("source"), secret.Text("target")));

    private static TimeSpan Seconds(string text) => TimeSpan.FromSeconds(int.Parse(text.TrimEnd('s')));

    private static IEnumerable<string> Sorted(IEnumerable<string> names) => names.Order(StringComparer.Ordinal);

    [GeneratedRegex(@"\$\{([A-Z_]+)[^}]*\}")]
    private static partial Regex Variable();
}
