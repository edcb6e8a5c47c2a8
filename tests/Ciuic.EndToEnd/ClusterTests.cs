using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Ciuic.Core;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>Three silos on a real PostgreSQL, one bucket, trainers; silos and database are killed.</summary>
public sealed class ClusterTests : IAsyncLifetime
{
    private static readonly TimeSpan MaxOutage = TimeSpan.FromSeconds(20);

    /// <summary>A silo that starts as the database goes may keep snapshots from beginning until it has read its reminders.</summary>
    private static readonly TimeSpan MaxOutageOfDatabase = TimeSpan.FromMinutes(1);

    private readonly TemporaryFolder _folder = new();
    private readonly List<SiloProcess> _silos = [];
    private readonly List<DemoPlace> _places = [];
    private PostgresServer? _postgres;
    private string _database = "";

    public async ValueTask InitializeAsync()
    {
        Required.Need("postgres", PostgresServer.Missing());
        _postgres = await PostgresServer.StartAsync();
        _database = await _postgres.NewDatabaseAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var silo in _silos)
            await silo.DisposeAsync();
        if (_postgres is not null)
            await _postgres.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Saves_go_on_whichever_silo_is_killed_and_while_the_database_restarts()
    {
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => StartAsync("--Ciuic:Database:CreateSchema=true")));
        await using var trainer = ProgramRun.Trainer(
            ["train", "--machine", "--run", "cluster", "--steps", "1000000", .. ClientSettings, "--set", "Ciuic:Save:EverySteps=2"]);
        await NextCommitAsync(trainer, MaxOutageOfDatabase); // the first one waits for the cluster to form
        await using var listener = ProgramRun.Cli(["events", "cluster", "--follow", "--json", .. ClientSettings]);
        for (var i = 0; i < 2; i++)
        {
            await _silos[0].DisposeAsync(); // SIGKILL
            _silos.RemoveAt(0);
            await NextCommitAsync(trainer, MaxOutage);
            await StartAsync();
        }

        await _postgres!.RestartAsync();
        await NextCommitAsync(trainer, MaxOutageOfDatabase);
        trainer.Terminate();
        Assert.Equal(ExitCode.Ok, await trainer.ExitAsync());
        await new CliRun(_places[0]).ExpectAsync(ExitCode.Ok, "PASSED", "audit");
        await RequireAllHeardAsync(listener);
        Assert.Equal(0, await _silos[^1].StopAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Without_tables_a_silo_does_not_start_until_the_cli_has_made_them()
    {
        var error = await Assert.ThrowsAsync<UnavailableException>(() => StartAsync());
        var log = await File.ReadAllTextAsync(_places[0].SiloLog);
        Assert.Contains("ciuic silo init-db", log);
        Assert.DoesNotContain(PostgresServer.Password, log + error.Message);
        await using (var cli = ProgramRun.Cli("silo", "init-db", "--database", _database))
        {
            Assert.Equal(ExitCode.Ok, await cli.ExitAsync());
            Assert.Contains("is ready", cli.Text);
            Assert.DoesNotContain(PostgresServer.Password, cli.Text);
        }

        await StartAsync();
        await new CliRun(_places[^1]).ExpectAsync(ExitCode.Ok, "", "runs");
    }

    /// <summary>Every silo is a gateway; any of them will do.</summary>
    private IEnumerable<string> ClientSettings =>
    [
        .. _places[0].ClientSettings,
        .. _places.SelectMany((place, i) => (string[])["--set", $"Ciuic:Client:Gateways:{i}=127.0.0.1:{place.GatewayPort}"]),
    ];

    private async Task StartAsync(params string[] settings)
    {
        DemoPlace place;
        lock (_places)
        {
            place = DemoPlace.Open(_folder.File($"silo{_places.Count}"));
            place = place with { StoreSettings = [$"Ciuic:Store:Uri=file:{_folder.File("store")}"] };
            _places.Add(place);
        }

        var silo = await SiloProcess.StartAsync(
            place,
            CancellationToken.None,
            [$"--Ciuic:Ledger:KeyDirectory={LedgerKeyFiles.Make(_folder.File("keys"))}", $"--Ciuic:Database:PostgreSql={_database}", .. settings]);
        lock (_silos)
            _silos.Add(silo);
    }

    /// <summary>What was heard outside the cluster is the run's history, each event once and in order, whatever was killed.</summary>
    private async Task RequireAllHeardAsync(ProgramRun listener)
    {
        var history = (await new CliRun(_places[^1]).JsonAsync("ls", "cluster", "--all")).EnumerateArray().Select(Number).ToList();
        await listener.UntilAsync(l => l.StartsWith('{') && Number(JsonDocument.Parse(l).RootElement) == history[^1]);
        listener.Terminate();
        await listener.ExitAsync();
        var heard = listener.Lines.Where(l => l.StartsWith('{')).Select(l => Number(JsonDocument.Parse(l).RootElement));
        Assert.Equal(history, heard.Take(history.Count));
        Assert.Equal(Enumerable.Range(1, history.Count).Select(n => (long)n), history);

        static long Number(JsonElement happened) => happened.GetProperty("number").GetInt64();
    }

    /// <summary>Waits for a commit of a step that was not even staged before: what was under way may still come through a pipe.</summary>
    private static async Task NextCommitAsync(ProgramRun trainer, TimeSpan limit)
    {
        var (begin, staged) = (Stopwatch.GetTimestamp(), Steps(trainer, "@staged").DefaultIfEmpty(0).Max());
        await trainer.UntilAsync(_ => Steps(trainer, "@committed").Any(step => step > staged));
        var outage = Stopwatch.GetElapsedTime(begin);
        TestContext.Current.SendDiagnosticMessage($"next commit after {outage.TotalSeconds:F1} s");
        Assert.True(outage < limit, $"nothing was committed for {outage}");
    }

    private static IEnumerable<long> Steps(ProgramRun trainer, string word) => trainer.Lines
        .Where(l => l.StartsWith($"{word} ", StringComparison.Ordinal))
        .Select(l => long.Parse(l.Split(' ')[1], CultureInfo.InvariantCulture));
}
