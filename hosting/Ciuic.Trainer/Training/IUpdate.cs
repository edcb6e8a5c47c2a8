using Ciuic.Torch;
using TorchSharp;

namespace Ciuic.Trainer;

/// <summary>How gradients become new weights, alone or together with other ranks.</summary>
internal interface IUpdate : IDisposable
{
    /// <summary>What moves the weights.</summary>
    torch.optim.Optimizer Optimizer { get; }

    /// <summary>Which of the optimizer's parameters are this rank's part of larger ones.</summary>
    TensorSlices Slices { get; }

    /// <summary>This rank's part of a batch: the first sample and how many.</summary>
    (int First, int Count) Share(int batch);

    /// <summary>Moves the weights by the gradients that are in them.</summary>
    /// <param name="loss">This rank's part of the batch's loss.</param>
    /// <param name="isTold">Whether this process was told to end.</param>
    /// <returns>The batch's loss, and whether any rank was told to end.</returns>
    (float Loss, bool IsTold) Apply(float loss, bool isTold);
}
