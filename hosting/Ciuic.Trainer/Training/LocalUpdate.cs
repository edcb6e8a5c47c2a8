using Ciuic.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Ciuic.Trainer;

/// <summary>One process has all of the batch and all of the optimizer.</summary>
internal sealed class LocalUpdate(Gpt model, double learningRate, double weightDecay, double maxNorm) : IUpdate
{
    public optim.Optimizer Optimizer { get; } = optim.AdamW(model.parameters(), learningRate, weight_decay: weightDecay);

    public TensorSlices Slices { get; } = new();

    public (int First, int Count) Share(int batch) => (0, batch);

    public (float Loss, bool IsTold) Apply(float loss, bool isTold)
    {
        nn.utils.clip_grad_norm_(model.parameters(), maxNorm);
        Optimizer.step();
        return (loss, isTold);
    }

    public void Dispose() => Optimizer.Dispose();
}
