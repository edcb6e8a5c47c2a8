using Ciuic.Client;
using TorchSharp;
using static TorchSharp.torch.optim.lr_scheduler;

namespace Ciuic.Torch;

/// <summary>Tracks TorchSharp objects: their state is saved and restored bit for bit.</summary>
public static class TorchTracking
{
    /// <summary>
    /// Tracks all parameters and buffers of a module, whatever its shape or device. Of several ranks parameters must be alike on all, or slices;
    /// of buffers, such as running statistics, the first rank's are saved.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="item">The item's name, such as <c>model</c>.</param>
    /// <param name="module">The module; must not be rebuilt while the run lives.</param>
    /// <param name="slices">Which of its tensors are this rank's part of larger ones; null where all are whole.</param>
    public static TrainingRun Track(this TrainingRun run, string item, torch.nn.Module module, TensorSlices? slices = null) =>
        run.Track(TrackedTensors.Of(item, module, slices));

    /// <summary>Tracks an optimizer: state tensors, counters and the options of its parameter groups.</summary>
    /// <param name="run">The run.</param>
    /// <param name="item">The item's name, such as <c>optimizer</c>.</param>
    /// <param name="optimizer">Any optimizer of torch.optim. LBFGS's native state is reported as skipped.</param>
    /// <param name="slices">Which of its parameters are this rank's part of larger ones: their moments are too. Null where all are whole.</param>
    public static TrainingRun Track(
        this TrainingRun run, string item, torch.optim.Optimizer optimizer, TensorSlices? slices = null) =>
        run.Track(new TrackedOptimizer(item, optimizer, slices));

    /// <summary>Tracks a learning-rate scheduler and the schedulers within it.</summary>
    /// <param name="run">The run.</param>
    /// <param name="item">The item's name, such as <c>scheduler</c>.</param>
    /// <param name="scheduler">Any scheduler of torch.optim.lr_scheduler; functions in it must be the same in the program.</param>
    public static TrainingRun Track(this TrainingRun run, string item, LRScheduler scheduler) =>
        run.Track(new TrackedScheduler(item, scheduler));

    /// <summary>Tracks torch's default random generator and generators of the program's own; restored last.</summary>
    /// <param name="run">The run.</param>
    /// <param name="generators">Further generators, in an order that stays the same.</param>
    public static TrainingRun TrackRandomState(this TrainingRun run, params torch.Generator[] generators) =>
        run.Track(new TrackedRandomState(generators));
}
