using System.Collections.Concurrent;
using System.Globalization;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>
/// Trainer and silo are killed with SIGKILL at random moments, over and over. Then the bucket is audited: everything
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

    public KillTests() => _place = DemoPlace.Open(_folder.File("place"));

    [Fact]
    public async Task Whatever_is_killed_and_whenever_nothing_committed_is_lost()
    {
        var seed = int.Parse(Environment.GetEnvironmentVariable("CIUIC_SEED") ?? "20261124", CultureInfo.InvariantCulture);
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed} (set CIUIC_SEED to choose)");
        var random = new Random(seed);
        await StartSiloAsync();
        StartTrainer();
        for (var kill = 0; kill < Kills; kill++)
        {
            if (kill % KillsBetweenCommits == 0)
                await UntilCommittedAsync(); // however slow the machine is, there is history to lose
            await Task.Delay(random.Next(200, 3_000));
            await KillOneAsync(random.Next(5));
        }

        await UntilCommittedAsync();
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

    private async Task StartSiloAsync() => _silo = await SiloProcess.StartAsync(_place, CancellationToken.None);

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

    private async Task EndAsync()
    {
        if (_trainer is not null)
            await StopTrainerAsync();
        if (_silo is not null)
            await _silo.DisposeAsync();
        _silo = null;
    }

    private async Task CheckAsync()
    {
        var store = StoreUri.Open(_place.StoreUri);
        var report = await BucketAudit.RunAsync(
            store, "main", TlogPolicy.Alone(), null, 2, _ => { }, CancellationToken.None);
        Assert.Empty(report.Findings);
        var history = (await BucketHistory.ReadAsync(new LedgerBucket(store, "main"), Run, [], CancellationToken.None))!;
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
