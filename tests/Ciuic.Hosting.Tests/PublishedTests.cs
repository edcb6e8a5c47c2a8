using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.Hosting.Tests;

/// <summary>
/// compose.yaml without its containers: the folder that the Dockerfile publishes, the environment, secrets, commands and scripts that
/// compose.yaml gives it, a real PostgreSQL and a real Ceph. Addresses are of this machine.
/// </summary>
public sealed class PublishedTests(PublishedPrograms programs) : IClassFixture<PublishedPrograms>, IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<PublishedSilo> _silos = [];
    private readonly List<Dictionary<string, string>> _environments = [];
    private PostgresServer _postgres = null!;
    private ComposeStore _store = null!;

    private string Secrets => _folder.File("secrets");

    private string Tls => _folder.File("tls");

    private string Cli => programs.Here("/opt/ciuic/cli/ciuic");

    public async ValueTask InitializeAsync()
    {
        Required.Need("postgres", PostgresServer.Missing());
        Required.Need("s3", CephServer.Missing());
        _postgres = await PostgresServer.StartAsync();
        _store = new ComposeStore(_folder.File("store"), Secrets);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var silo in _silos)
            await silo.DisposeAsync();
        if (_store is not null)
            await _store.DisposeAsync();
        if (_postgres is not null)
            await _postgres.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_cluster_of_compose_starts_tells_what_is_away_and_drains()
    {
        await MakeSecretsAsync();
        await _store.StartAsync();
        await InitDbAsync();
        foreach (var (_, service) in ComposeTests.Silos)
            Start(service);
        foreach (var silo in _silos)
            await ExpectStartAsync(silo);
        Assert.Equal(3, _silos.Count);

        await RunCliAsync(ExitCode.Ok, "ok", _environments[0], "silo", "health");
        await RunCliAsync(ExitCode.Ok, "", Client(), "runs");
        await AskEveryGatewayAsync();
        await ExpectOutageAsync("store:", () => _store.StopAsync(), () => _store.StartAsync());
        await ExpectOutageAsync("database:", () => Task.Run(_postgres.Kill), () => _postgres.RestartAsync());

        foreach (var silo in _silos)
            Assert.Equal(ExitCode.Ok, await silo.StopAsync());
        var logs = string.Concat(_silos.Select(s => s.Log));
        Assert.DoesNotContain(PostgresServer.Password, logs);
        Assert.DoesNotContain(await File.ReadAllTextAsync(Path.Combine(Secrets, "Ciuic__S3__SecretKey")), logs);
        await RunCliAsync(ExitCode.Unreachable, "does not answer", _environments[0], "silo", "health");
    }

    [Fact]
    public async Task A_folder_of_settings_that_is_not_there_or_holds_something_else_is_one_clear_line_and_code_2()
    {
        var environment = new Dictionary<string, string> { [SettingsFile.FolderVariable] = _folder.File("nowhere") };
        await RunCliAsync(ExitCode.Usage, SettingsFile.FolderVariable, environment, "silo", "health");
        environment[SettingsFile.FolderVariable] = _folder.Path;
        await File.WriteAllTextAsync(_folder.File("Cuic__S3__SecretKey"), "a secret");
        var text = await RunCliAsync(ExitCode.Usage, "Cuic", environment, "silo", "health");
        Assert.DoesNotContain("a secret", text);
    }

    [Fact]
    public async Task A_folder_of_settings_may_be_one_that_Kubernetes_mounts()
    {
        var folder = Directory.CreateDirectory(_folder.File("mounted"));
        var version = folder.CreateSubdirectory("..2026_11_26_12_00_00.123");
        const string setting = "Ciuic__Silo__HealthPort";
        await File.WriteAllTextAsync(Path.Combine(version.FullName, setting), "1\n");
        File.CreateSymbolicLink(Path.Combine(folder.FullName, "..data"), version.Name);
        File.CreateSymbolicLink(Path.Combine(folder.FullName, setting), Path.Combine("..data", setting));
        var environment = new Dictionary<string, string> { [SettingsFile.FolderVariable] = folder.FullName };
        await RunCliAsync(ExitCode.Unreachable, "http://127.0.0.1:1/ready does not answer", environment, "silo", "health");
    }

    /// <summary>It is not ready while something is away, says what, stays alive, and is ready again afterwards.</summary>
    private async Task ExpectOutageAsync(string named, Func<Task> begin, Func<Task> end)
    {
        await begin();
        foreach (var silo in _silos)
        {
            await silo.UntilAsync("/ready", HttpStatusCode.ServiceUnavailable, named);
            Assert.Equal((HttpStatusCode.OK, "ok\n"), await silo.AskAsync("/live"));
        }

        await RunCliAsync(ExitCode.Unreachable, named, _environments[0], "silo", "health");
        await end();
        foreach (var silo in _silos)
        {
            await silo.UntilAsync("/ready", HttpStatusCode.OK, "ok");
            Assert.Equal((HttpStatusCode.OK, "ok\n"), await silo.AskAsync("/live"));
        }
    }

    private static async Task ExpectStartAsync(PublishedSilo silo)
    {
        await silo.UntilAsync("/live", HttpStatusCode.OK, "ok");
        await silo.UntilAsync("/startup", HttpStatusCode.OK, "ok");
        await silo.UntilAsync("/ready", HttpStatusCode.OK, "ok");
    }

    private async Task MakeSecretsAsync()
    {
        var environment = new Dictionary<string, string> { ["CIUIC"] = Cli, ["CIUIC_ORIGIN"] = ComposeTests.Origin };
        for (var i = 0; i < 2; i++) // the second time there is nothing left to do
            await RunAsync(ExitCode.Ok, "bash", environment, Yaml.PathOf("compose", "make-secrets.sh"), Secrets);
        Assert.Equal(
            Yaml.Load("compose", "compose.yaml").Map("secrets").Keys.Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(Secrets).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        Assert.Contains("Host=database;", await File.ReadAllTextAsync(Path.Combine(Secrets, "Ciuic__Database__PostgreSql")));
        await File.WriteAllTextAsync(Path.Combine(Secrets, "Ciuic__Database__PostgreSql"), await _postgres.NewDatabaseAsync());
        File.Delete(Path.Combine(Secrets, "postgres-password")); // the silos' containers do not see it
        Directory.CreateDirectory(Tls);
        foreach (var file in new[] { "gateway-certificate", "gateway-key" }) // mounted elsewhere
            File.Move(Path.Combine(Secrets, file), Path.Combine(Tls, file));
    }

    private async Task InitDbAsync()
    {
        var service = Yaml.Load("compose", "compose.yaml").At("services", "init-db");
        var entry = service.List("entrypoint").Cast<string>().ToList();
        Assert.Equal("ciuic", entry[0]);
        var environment = new Dictionary<string, string> { [SettingsFile.FolderVariable] = Secrets };
        Assert.Equal(environment.Keys, service.Map("environment").Keys);
        await RunCliAsync(ExitCode.Ok, "is ready", environment, [.. entry[1..]]);
    }

    private void Start(object? service)
    {
        var ports = FreePorts.Take(4).Select(p => p.ToString(CultureInfo.InvariantCulture)).ToArray();
        var environment = ComposeTests.VariablesOf(service);
        foreach (var secret in SiloEnvironment.Secrets.Keys)
            environment.Remove(secret); // they are in files
        var here = new Dictionary<string, string>
        {
            [SettingsFile.FolderVariable] = Secrets,
            ["Ciuic__Silo__Address"] = "127.0.0.1",
            ["Ciuic__Silo__SiloPort"] = ports[0],
            ["Ciuic__Silo__GatewayPort"] = ports[1],
            ["Ciuic__Silo__HealthPort"] = ports[2],
            ["Ciuic__Gateway__Address"] = "127.0.0.1",
            ["Ciuic__Gateway__Port"] = ports[3],
            ["Ciuic__Gateway__LocalKeyFile"] = "none",
            ["Ciuic__Gateway__CertificateFile"] = Path.Combine(Tls, "gateway-certificate"),
            ["Ciuic__Gateway__CertificateKeyFile"] = Path.Combine(Tls, "gateway-key"),
            ["Ciuic__Client__Gateways__0"] = $"127.0.0.1:{ports[1]}",
            ["Ciuic__Client__StateDirectory"] = _folder.File("client"),
            ["Ciuic__Silo__HealthInterval"] = "00:00:01",
            ["Ciuic__S3__Endpoint"] = _store.Endpoint,
            ["Ciuic__Ledger__StateDirectory"] = _folder.File($"state{_silos.Count}"),
        };
        foreach (var (name, value) in here)
            environment[name] = value;
        var entry = new Dockerfile().EntryPoint;
        Assert.Equal("dotnet", entry[0]);
        _environments.Add(environment);
        _silos.Add(new PublishedSilo(programs.Here(Assert.Single(entry.Skip(1))), environment));
    }

    /// <summary>With a key that a silo's CLI has made, and nothing else.</summary>
    private async Task AskEveryGatewayAsync()
    {
        var key = (await RunCliAsync(ExitCode.Ok, "ciuic_", _environments[0], "key", "create", "test")).Trim();
        foreach (var silo in _environments)
        {
            var environment = new Dictionary<string, string>
            {
                ["Ciuic__Client__Mode"] = "Http",
                ["Ciuic__Client__Endpoint"] = $"https://localhost:{silo["Ciuic__Gateway__Port"]}",
                ["Ciuic__Client__CaFile"] = Path.Combine(Tls, "gateway-certificate"),
                ["CIUIC_API_KEY"] = key,
                ["Ciuic__Client__StateDirectory"] = _folder.File("client"),
            };
            await RunCliAsync(ExitCode.Ok, "", environment, "runs");
            environment.Remove("Ciuic__Client__CaFile");
            await RunCliAsync(ExitCode.Unreachable, "Ciuic:Client:CaFile", environment, "runs");
        }
    }

    /// <summary>By name, as on Kubernetes.</summary>
    private Dictionary<string, string> Client() => _environments
        .Select((e, i) => ($"Ciuic__Client__Gateways__{i}", $"localhost:{e["Ciuic__Silo__GatewayPort"]}"))
        .Append(("Ciuic__Client__StateDirectory", _folder.File("client")))
        .ToDictionary();

    private async Task<string> RunCliAsync(int code, string says, Dictionary<string, string> environment, params string[] arguments)
    {
        var text = await RunAsync(code, Cli, environment, arguments);
        Assert.Contains(says, text);
        return text;
    }

    private static async Task<string> RunAsync(int code, string program, Dictionary<string, string> environment, params string[] arguments)
    {
        var lines = new ConcurrentQueue<string>();
        environment = new Dictionary<string, string>(environment) { ["DOTNET_ROOT"] = Path.GetDirectoryName(ProgramFile.Dotnet)! };
        await using var process = ChildProcess.StartNative(program, arguments, lines.Enqueue, environment);
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var ended = await process.WaitAsync(deadline.Token);
        var text = string.Join('\n', lines);
        Assert.True(code == ended, $"{program} {string.Join(' ', arguments)}: {ended}: {text}");
        return text;
    }
}
