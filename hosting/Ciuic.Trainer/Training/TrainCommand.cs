using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Storage.S3;
using Ciuic.Torch;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace Ciuic.Trainer;

/// <summary>
/// A training program as a user would write it: everything about Ciuic is in <see cref="RunAsync"/>.
/// </summary>
internal sealed class TrainCommand(TrainOptions options, IConfiguration configuration)
{
    /// <summary>Samples of a step, of all ranks together.</summary>
    public const int Batch = 12;

    private const int BatchesPerEpoch = 24;
    private const int WarmUpSteps = 10;
    private const double LearningRate = 3e-3;
    private const double WeightDecay = 0.1;
    private const double MaxNorm = 1;

    private readonly TrainOutput _output = new(options.Machine);
    private readonly GptOptions _gpt = new();

    public async Task<int> RunAsync()
    {
        random.manual_seed(options.Seed);
        using var model = new Gpt(_gpt);
        var ranks = await RankExchange.MeetAsync();
        var shared = ranks is null ? null : new SharedUpdate(model, ranks, LearningRate, WeightDecay, MaxNorm);
        using var update = (IUpdate?)shared ?? new LocalUpdate(model, LearningRate, WeightDecay, MaxNorm);
        if (ranks is { Rank: > 0 })
            random.manual_seed(options.Seed + 1_000L * ranks.Rank); // ranks begin with one model and drop out each its own
        var scheduler = optim.lr_scheduler.LambdaLR(update.Optimizer, WarmUpThenCosine);
        var data = Sample(options.Text, options.Seed);
        if (options.NoSave)
        {
            await LoopAsync(model, update, scheduler, data, TrainingProgress.Start, null);
            return ExitCode.Ok;
        }

        using var loggers = LoggerFactory.Create(log => log.SetMinimumLevel(LogLevel.Warning).AddSimpleConsole(
            c => c.SingleLine = true));
        await using var chain = await SnapshotChain.ConnectAsync(configuration, loggers, new StoreSchemes(new S3Scheme()));
        await using var run = await chain.OpenRunAsync(options.Run);
        run.Track("model", model).Track("optimizer", update.Optimizer, update.Slices).Track("scheduler", scheduler).TrackRandomState();
        run.OnSaveProgress += HoldIfReached;
        var report = await run.ResumeAsync();
        shared?.TakeRows();
        _output.Resumed(report);
        await LoopAsync(model, update, scheduler, data, report.Progress, run);
        await run.FinishAsync();
        return ExitCode.Ok;
    }

    /// <summary>The data, checked to be enough for an epoch.</summary>
    public static BatchSampler Sample(string? text, int seed) =>
        new(TextData.Load(text), new GptOptions().Context, Batch, BatchesPerEpoch, seed);

    private async Task LoopAsync(
        Gpt model,
        IUpdate update,
        optim.lr_scheduler.LRScheduler scheduler,
        BatchSampler data,
        TrainingProgress progress,
        TrainingRun? run)
    {
        SaveHandle? last = null;
        model.train();
        for (var stopping = false; progress.Step < options.Steps && !stopping;)
        {
            if (IsHeldIn(progress.Step + 1) && last is not null)
                await last.Committed; // so that a kill here has something to resume from
            // Looked at before the save is decided on: SIGTERM between the two must not end the loop without a save. Ranks that train
            // together are told at different moments; with the gradients they tell each other, and end after the same step.
            (var loss, stopping) = Step(model, update, data, progress, run?.Stopping.IsCancellationRequested == true);
            scheduler.step();
            progress = data.Next(progress);
            _output.Step(progress.Step, loss, update.Optimizer.ParamGroups.First().LearningRate);
            var isDue = run?.ShouldSave(progress.Step, endOfEpoch: progress.NextSample == 0) == true;
            if (run is not null && (isDue || stopping))
            {
                last = await run.SaveAsync(progress, new Dictionary<string, double> { ["loss"] = loss });
                _output.Staged(last);
            }
        }
    }

    private (float Loss, bool IsTold) Step(
        Gpt model, IUpdate update, BatchSampler data, TrainingProgress progress, bool isTold)
    {
        using var scope = NewDisposeScope();
        var (first, count) = update.Share(Batch);
        var (inputs, targets) = data.At(progress, first, count);
        var logits = model.forward(inputs);
        var loss = nn.functional.cross_entropy(logits.view(-1, _gpt.Vocabulary), targets.view(-1));
        if (count < Batch)
            loss *= (double)count / Batch;
        if (IsHeldIn(progress.Step + 1))
            HoldHere(options.Hold!);
        model.zero_grad();
        loss.backward();
        return update.Apply(loss.item<float>(), isTold);
    }

    private bool IsHeldIn(long step) => options.Hold is { Stage: HoldStage.Step } hold && hold.Step == step;

    private double WarmUpThenCosine(int step) => step < WarmUpSteps
        ? (step + 1.0) / WarmUpSteps
        : 0.1 + 0.45 * (1 + Math.Cos(Math.PI * Math.Min(1, (step - WarmUpSteps) / 200.0)));

    private void HoldIfReached(SaveProgress progress)
    {
        if (options.Hold is { } hold && hold.IsReached(progress))
            HoldHere(hold);
    }

    private void HoldHere(HoldPoint point)
    {
        _output.Holding(point);
        using var never = new ManualResetEvent(false);
        never.WaitOne();
    }
}
