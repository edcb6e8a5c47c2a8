using System.Collections.Concurrent;
using System.Globalization;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>
/// Trainer, silo and witness are killed with SIGKILL at random moments, over and over. Then the bucket is audited: everything
/// that was ever acknowledged is there, every byte of it, nothing else is visible, and training was never anything but
/// one and the same sequence.
/// </summary>
public sealed class KillTests : IAsyncDisposable
{
    private const int Kills = 24;
    private const int KillsBetweenCommits = 4;
    private static readonly RunId Run = RunId.Parse("e2e");

    private readonly TemporaryFolder _folder = new();
    private readonly DemoPlace _place;
    private readonly ConcurrentQueue<string> _lines = [];
    private SiloProcess? _silo;
    private ProgramRun? _trainer;
    private WitnessProcess? _witness;

    public KillTests() => _place = DemoPlace.Open(_folder.File("place"));

    [Fact]
    public async Task Whatever_is_killed_and_whenever_nothing_committed_is_lost()
    {
        var seed = int.Parse(Environment.GetEnvironmentVariable("CIUIC_SEED") ?? "20261124", CultureInfo.InvariantCulture);
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed} (set CIUIC_SEED to choose)");
        var random = new Random(seed);
        await StartWitnessAsync();
        await StartSiloAsync();
        StartTrainer();
        for (var kill = 0; kill < Kills; kill++)
        {
            if (kill % KillsBetweenCommits == 0)
                await UntilCommittedAsync(); // however slow the machine is, there is history to lose
            await Task.Delay(random.Next(200, 3_000));
            await KillOneAsync(random.Next(6));
        }

        await UntilCommittedAsync();
        await UntilFinalAsync();
        await EndAsync();
        await CheckAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _folder.Dispose();
    }

    private async Task KillOneAsync(int choice)
    {
        if (choice == 5)
        {
            await _witness!.KillAsync();
            await _witness.StartAsync();
            return;
        }

        if (choice >= 2) // 2, 3: the trainer; 4: both
        {
            await StopTrainerAsync();
            if (choice < 4)
                StartTrainer();
        }

        if (choice is < 2 or 4)
        {
            await _silo!.DisposeAsync(); // SIGKILL
            await StartSiloAsync();
        }

        if (choice == 4)
            StartTrainer();
    }

    /// <summary>The witness knows the ledger's key only when a silo has made it; the silo needs the witness's.</summary>
    private async Task StartWitnessAsync()
    {
        await using (var first = await SiloProcess.StartAsync(_place, CancellationToken.None))
            await File.WriteAllTextAsync(_folder.File("logs"), $"log {first.Key}\nquorum none\n");
        _witness = new WitnessProcess(_folder.File("witness"), _folder.File("logs"), 1);
        await _witness.StartAsync();
        await File.WriteAllTextAsync(Policy, $"{_witness.PolicyLine}\nquorum {_witness.Name}\n");
    }

    private string Policy => _folder.File("policy");

    private async Task StartSiloAsync() => _silo = await SiloProcess.StartAsync(
        _place, CancellationToken.None, $"--Ciuic:Ledger:PolicyFile={Policy}");

    private void StartTrainer() => _trainer = ProgramRun.Trainer(
    [
        "train", "--machine", "--run", Run.Value, "--steps", "1000000", .. _place.ClientSettings,
        "--set", "Ciuic:Save:EverySteps=7", "--set", "Ciuic:Save:ChunkBytes=262144",
        "--set", "Ciuic:Client:ConnectPatience=00:00:02",
    ]);

    private async Task StopTrainerAsync()
    {
        _trainer!.Kill();
        await _trainer.ExitAsync();
        foreach (var line in _trainer.Lines)
            _lines.Enqueue(line);
        await _trainer.DisposeAsync();
        _trainer = null;
    }

    private async Task UntilCommittedAsync()
    {
        await StopTrainerAsync();
        StartTrainer();
        await _trainer!.UntilAsync(l => l.StartsWith("@committed", StringComparison.Ordinal));
    }

    /// <summary>What was committed while the witness was away is final in the end.</summary>
    private async Task UntilFinalAsync()
    {
        await StopTrainerAsync();
        var cli = new CliRun(_place);
        while (true)
        {
            var status = await cli.JsonAsync("ledger", "status");
            if (status.GetProperty("publishedSize").GetInt64() == status.GetProperty("size").GetInt64())
                return;
            await Task.Delay(200);
        }
    }

    private async Task EndAsync()
    {
        if (_trainer is not null)
            await StopTrainerAsync();
        if (_silo is not null)
            await _silo.DisposeAsync();
        _silo = null;
        if (_witness is not null)
            await _witness.DisposeAsync();
        _witness = null;
    }

    private async Task CheckAsync()
    {
        var store = StoreUri.Open(_place.StoreUri);
        var report = await BucketAudit.RunAsync(
            store, "main", PolicyFiles.Read(Policy), null, 2, _ => { }, CancellationToken.None);
        Assert.Empty(report.Findings);
        var history = (await BucketHistory.ReadAsync(new LedgerBucket(store, "main"), Run, [], null, CancellationToken.None))!;
        var acknowledged = Facts("@committed").ToList();
        Assert.InRange(acknowledged.Count, 1 + (Kills / KillsBetweenCommits), int.MaxValue);
        foreach (var words in acknowledged)
        {
            var snapshot = history.Find(Sequence.Parse(words[2]));
            Assert.Equal((words[1], words[3]), ($"{snapshot?.Step}", $"{snapshot?.Link.Manifest}"));
        }

        // One and the same sequence of losses, however often a step was repeated.
        var losses = Facts("@loss").GroupBy(w => w[1]).ToList();
        Assert.Contains(losses, step => step.Count() > 1);
        Assert.All(losses, step => Assert.Single(step.Select(w => w[2]).Distinct()));
    }

    private IEnumerable<string[]> Facts(string kind) => _lines
        .Select(line => line.Split(' '))
        .Where(words => words[0] == kind && words.Length >= 3);
}
