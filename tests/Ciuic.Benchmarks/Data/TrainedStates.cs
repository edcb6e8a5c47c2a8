using Ciuic.Client;
using Ciuic.Snapshots;
using Ciuic.Testing;
using Ciuic.Torch;
using Ciuic.Trainer;
using TorchSharp;
using static TorchSharp.torch;

namespace Ciuic.Benchmarks;

/// <summary>
/// States of a model of 19 million parameters that trains on this repository's text with AdamW: what a save meets in real
/// life, because how well bytes pack depends on what they are.
/// </summary>
internal sealed class TrainedStates : IStates
{
    private const int Batch = 4;

    private readonly GptOptions _options = new() { Context = 128, Width = 512, Heads = 8, Layers = 6 };
    private readonly Gpt _model;
    private readonly optim.Optimizer _optimizer;
    private readonly BatchSampler _data;
    private readonly ITrackedState[] _tracked;
    private TrainingProgress _progress = TrainingProgress.Start;

    public TrainedStates()
    {
        random.manual_seed(1);
        _model = new Gpt(_options);
        _optimizer = optim.AdamW(_model.parameters(), 3e-4, weight_decay: 0.1);
        _data = new BatchSampler(TextData.Load(null), _options.Context, Batch, batchesPerEpoch: 200, seed: 1);
        _tracked = [TrackedTensors.Of("model", _model), new TrackedOptimizer("optimizer", _optimizer)];
        _model.train();
    }

    public IReadOnlyList<ItemState> Live() => _tracked.Select(t => t.Capture()).ToList();

    public void TrainTo(long step)
    {
        while (_progress.Step < step)
        {
            TrainOne();
            _progress = _data.Next(_progress);
        }
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _model.Dispose();
    }

    private void TrainOne()
    {
        using var scope = NewDisposeScope();
        var (inputs, targets) = _data.At(_progress);
        var logits = _model.forward(inputs);
        var loss = nn.functional.cross_entropy(logits.view(-1, _options.Vocabulary), targets.view(-1));
        _optimizer.zero_grad();
        loss.backward();
        nn.utils.clip_grad_norm_(_model.parameters(), 1.0);
        _optimizer.step();
    }
}
