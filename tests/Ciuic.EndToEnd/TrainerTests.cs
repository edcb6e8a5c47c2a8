using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

public sealed class TrainerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task SIGTERM_saves_commits_and_ends_with_code_0()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        await using var silo = await SiloProcess.StartAsync(place, CancellationToken.None);
        await using var trainer = Train(place, "Ciuic:Save:EverySteps=0");
        await trainer.UntilAsync(l => l.StartsWith("@loss 5 ", StringComparison.Ordinal));
        trainer.Terminate();
        Assert.Equal(0, await trainer.ExitAsync());
        var last = trainer.Lines.Last(l => l.StartsWith("@loss", StringComparison.Ordinal)).Split(' ')[1];
        var history = await BucketHistory.ReadAsync(
            new LedgerBucket(StoreUri.Open(place.StoreUri), "main"), RunId.Parse("e2e"), [], CancellationToken.None);
        Assert.Equal(last, $"{Assert.Single(history!.Snapshots).Step}");
        Assert.Equal(0, await silo.StopAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Training_goes_on_without_a_silo_and_catches_up_when_one_comes()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        await using var trainer = Train(place, "Ciuic:Save:EverySteps=20", "--set", "Ciuic:Client:ConnectPatience=00:00:01");
        await trainer.UntilAsync(l => l.StartsWith("@staged", StringComparison.Ordinal));
        Assert.Contains("NOTHING IS COMMITTED", trainer.Text);
        Assert.DoesNotContain("@committed", trainer.Text);
        await using var silo = await SiloProcess.StartAsync(place, CancellationToken.None);
        await trainer.UntilAsync(l => l.StartsWith("@committed 20 ", StringComparison.Ordinal));
        trainer.Kill();
    }

    [Fact]
    public async Task A_second_trainer_is_refused_with_code_11()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        await using var silo = await SiloProcess.StartAsync(place, CancellationToken.None);
        await using var first = Train(place, "Ciuic:Save:EverySteps=50");
        await first.UntilAsync(l => l.StartsWith("@loss", StringComparison.Ordinal));
        await using var second = Train(place, "Ciuic:Save:EverySteps=50");
        Assert.Equal(ExitCode.Conflict, await second.ExitAsync());
        Assert.Contains("is being trained by process", second.Text);
    }

    public void Dispose() => _folder.Dispose();

    private static ProgramRun Train(DemoPlace place, params string[] settings) => ProgramRun.Trainer(
        ["train", "--machine", "--run", "e2e", "--steps", "1000000", .. place.ClientSettings, "--set", .. settings]);
}
