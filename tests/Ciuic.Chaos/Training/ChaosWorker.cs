using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Storage.S3;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Ciuic.Chaos;

/// <summary>
/// One rank of a run, as a process: restores, checks what it restored, trains, saves, and says on standard output what it was told.
/// </summary>
internal sealed class ChaosWorker(string name, string[] settings)
{
    private const int SaveEvery = 5;

    private static readonly TimeSpan StepTime = TimeSpan.FromMilliseconds(60);

    /// <summary>So long the next step waits for the commit: otherwise most saves would be skipped.</summary>
    private static readonly TimeSpan WaitForCommit = TimeSpan.FromSeconds(3);

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        using var loggers = LoggerFactory.Create(log => log.SetMinimumLevel(LogLevel.Warning).AddSimpleConsole(c => c.SingleLine = true));
        await using var chain = await SnapshotChain.ConnectAsync(Read(settings), loggers, new StoreSchemes(new S3Scheme()), cancel);
        await using var run = await chain.OpenRunAsync(name, cancel);
        var state = new KnownState(name, run.Rank, run.WorldSize);
        run.Track(state).TrackJson("rank", () => run.Rank, _ => { });
        var report = await run.ResumeAsync(cancel);
        Say(report.From is { } from
            ? $"@resumed {report.Progress.Step} {from.Sequence} {from.Manifest} {(state.IsOf(report.Progress.Step) ? "right" : "wrong")}"
            : "@fresh");
        await TrainAsync(run, state, report.Progress.Step + 1);
        try
        {
            await run.FinishAsync(CancellationToken.None);
        }
        catch (CiuicException)
        {
            // It was told above.
        }

        return run.IsFenced ? ExitCode.Conflict : ExitCode.Ok;
    }

    private static async Task TrainAsync(TrainingRun run, KnownState state, long first)
    {
        using var ranks = new LockStepMember();
        for (var step = first; !run.IsFenced && !run.Stopping.IsCancellationRequested && await ranks.MeetAsync(run.Stopping); step++)
        {
            await Task.Delay(StepTime, CancellationToken.None);
            state.MoveTo(step);
            if (step % SaveEvery == 0)
                await SaveAsync(run, step);
        }
    }

    private static async Task SaveAsync(TrainingRun run, long step)
    {
        var save = await run.SaveAsync(new TrainingProgress(step, 0, step), cancel: CancellationToken.None);
        var told = TellAsync(save);
        await Task.WhenAny(told, Task.Delay(WaitForCommit));
    }

    private static async Task TellAsync(SaveHandle save)
    {
        try
        {
            var link = await save.Committed;
            Say($"@committed {save.Step} {link.Sequence} {link.Manifest}");
        }
        catch (Exception error)
        {
            Say($"@failed {save.Step} {error.Message}");
        }
    }

    private static IConfiguration Read(string[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(s => s.Split('=', 2)).Select(s => KeyValuePair.Create(s[0], (string?)s[1])))
        .AddEnvironmentVariables()
        .Build();

    /// <summary>One write a line: ranks are killed at any moment.</summary>
    private static void Say(string line) => Console.Out.WriteLine(line);
}
