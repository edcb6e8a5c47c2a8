using Ciuic.Client;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Endings;

/// <summary>A program that trains as little as can be.</summary>
internal sealed class TrainingProgram(IConfiguration settings)
{
    private readonly byte[] _model = new byte[1 << 20];

    /// <summary>Saves, and leaves everything as it is.</summary>
    public async Task SaveOnceAsync()
    {
        var chain = await SnapshotChain.ConnectAsync(settings);
        var run = await OpenAsync(chain, "once");
        await run.SaveAsync(new TrainingProgress(1, 0, 1));
        Console.WriteLine("@saved");
    }

    /// <summary>Saves, and fails in the loop.</summary>
    public async Task SaveAndThrowAsync()
    {
        await using var chain = await SnapshotChain.ConnectAsync(settings);
        await using var run = await OpenAsync(chain, "once");
        await run.SaveAsync(new TrainingProgress(1, 0, 1));
        throw new InvalidOperationException("the loss is no number");
    }

    /// <summary>Trains until it is told to end.</summary>
    public async Task LoopAsync(string name, TimeSpan stepTime, CancellationToken stop = default)
    {
        await using var chain = await SnapshotChain.ConnectAsync(settings, cancel: CancellationToken.None);
        await using var run = await OpenAsync(chain, name);
        for (var step = 1L; !run.Stopping.IsCancellationRequested || run.ShouldSave(step); step++)
        {
            await Task.Delay(stepTime, CancellationToken.None);
            Console.WriteLine($"@step {name} {step}");
            if (run.ShouldSave(step))
                await run.SaveAsync(new TrainingProgress(step, 0, step), cancel: stop);
        }

        await run.FinishAsync(CancellationToken.None);
        Console.WriteLine($"@loop ends {name}");
    }

    /// <summary>Trains, and leaves it to the run to end the program.</summary>
    public async Task TrainOnAsync(string name)
    {
        var chain = await SnapshotChain.ConnectAsync(settings);
        var run = await OpenAsync(chain, name);
        for (var step = 1L; ; step++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50));
            Console.WriteLine($"@step {name} {step}");
            if (run.ShouldSave(step))
                await run.SaveAsync(new TrainingProgress(step, 0, step));
        }
    }

    private async Task<TrainingRun> OpenAsync(SnapshotChain chain, string name)
    {
        Random.Shared.NextBytes(_model);
        var run = await chain.OpenRunAsync(name);
        await run.TrackBytes("model", () => _model, saved => saved.CopyTo(_model, 0)).ResumeAsync();
        return run;
    }
}
