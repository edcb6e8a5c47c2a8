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
            new LedgerBucket(StoreUri.Open(place.StoreUri), "main"), RunId.Parse("e2e"), [], null, CancellationToken.None);
        Assert.Equal(last, $"{Assert.Single(history!.Snapshots).Step}");
        Assert.Equal(0, await silo.StopAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Training_goes_on_without_a_silo_and_catches_up_when_one_comes()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        await using var trainer = Train(place, "Ciuic:Save:EverySteps=20", "--set", "Ciuic:Client:ConnectPatience=00:00:01");
        await trainer.UntilAsync(l => l.StartsWith("@staged", StringComparison.Ordinal));
        await trainer.UntilAsync(l => l.Contains("NOTHING IS COMMITTED", StringComparison.Ordinal));
        Assert.Contains("it is opened without one", trainer.Text);
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

    [Fact]
    public async Task SIGTERM_ends_a_trainer_that_waits_for_a_lease()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        await using var silo = await SiloProcess.StartAsync(place, CancellationToken.None);
        await using var first = Train(place, "Ciuic:Save:EverySteps=50");
        await first.UntilAsync(l => l.StartsWith("@loss", StringComparison.Ordinal));
        await using var second = Train(place, "Ciuic:Client:WhenLeased=Wait");
        await Task.Delay(TimeSpan.FromSeconds(15)); // a trainer that waits says nothing, and on a busy machine it begins late
        second.Terminate();
        Assert.Equal(ExitCode.Other, await second.ExitAsync());
        Assert.Equal("ciuic trainer: interrupted", second.Lines.Last());
    }

    [Fact]
    public async Task SIGTERM_while_the_last_commit_waits_for_a_silo_ends_with_code_13()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        await using var trainer = TrainUntil(
            2, place, "Ciuic:Save:EverySteps=2", "--set", "Ciuic:Client:ConnectPatience=00:00:01",
            "--set", "Ciuic:Save:TerminateDeadline=00:00:02");
        await trainer.UntilAsync(l => l.StartsWith("@staged 2 ", StringComparison.Ordinal));
        await Task.Delay(TimeSpan.FromSeconds(1)); // the training is over; nothing more is said
        trainer.Terminate();
        Assert.Equal(ExitCode.Unreachable, await trainer.ExitAsync());
        Assert.Contains("TerminateDeadline", trainer.Lines.Last());
    }

    [Fact]
    public async Task Ctrl_C_saves_commits_and_ends_with_code_0_as_SIGTERM_does()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        await using var silo = await SiloProcess.StartAsync(place, CancellationToken.None);
        await using var trainer = Train(place, "Ciuic:Save:EverySteps=0");
        await trainer.UntilAsync(l => l.StartsWith("@loss 5 ", StringComparison.Ordinal));
        trainer.Interrupt();
        Assert.Equal(0, await trainer.ExitAsync());
        Assert.Contains("SIGINT: saving at the next step", trainer.Text);
        var history = await BucketHistory.ReadAsync(
            new LedgerBucket(StoreUri.Open(place.StoreUri), "main"), RunId.Parse("e2e"), [], null, CancellationToken.None);
        Assert.Single(history!.Snapshots);
        Assert.DoesNotContain("Application", trainer.Text);
    }

    [Fact]
    public async Task SIGTERM_ends_a_fenced_trainer_with_code_11()
    {
        var place = DemoPlace.Open(_folder.File("place"));
        await using var silo = await SiloProcess.StartAsync(place, CancellationToken.None);
        await using var first = Train(place, "Ciuic:Save:EverySteps=5");
        await first.UntilAsync(l => l.StartsWith("@loss", StringComparison.Ordinal));
        await using var second = Train(place, "Ciuic:Client:WhenLeased=TakeOver");
        await first.UntilAsync(l => l.Contains("FENCED", StringComparison.Ordinal));
        first.Terminate();
        Assert.Equal(ExitCode.Conflict, await first.ExitAsync());
    }

    [Fact]
    public async Task A_demo_with_a_wrong_text_or_folder_is_one_line_and_code_2_before_anything_starts()
    {
        var tiny = _folder.File("tiny.txt");
        foreach (var text in new[] { "", "tiny" })
        {
            await File.WriteAllTextAsync(tiny, text);
            await RefusedAsync("--text", "demo", "--text", tiny, "--data", _folder.File("data"));
        }

        await RefusedAsync("--data", "demo", "--data", "/dev/null/x");
        Assert.False(Directory.Exists(_folder.File("data")));
        await RefusedAsync("Ciuic:Sav ", "train", "--set", "Ciuic:Sav:EverySteps=1");
    }

    public void Dispose() => _folder.Dispose();

    private static async Task RefusedAsync(string named, params string[] arguments)
    {
        await using var trainer = ProgramRun.Trainer(arguments);
        Assert.Equal(ExitCode.Usage, await trainer.ExitAsync());
        Assert.Contains(named, Assert.Single(trainer.Lines));
    }

    private static ProgramRun Train(DemoPlace place, params string[] settings) => TrainUntil(1_000_000, place, settings);

    private static ProgramRun TrainUntil(int steps, DemoPlace place, params string[] settings) => ProgramRun.Trainer(
        ["train", "--machine", "--run", "e2e", "--steps", $"{steps}", .. place.ClientSettings, "--set", .. settings]);
}
