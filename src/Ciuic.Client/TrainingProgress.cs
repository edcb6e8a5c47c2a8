namespace Ciuic.Client;

/// <summary>Where a training run is.</summary>
/// <param name="Step">Optimizer updates completed, from 0.</param>
/// <param name="Epoch">Pass over the data, from 0.</param>
/// <param name="NextSample">Samples of this epoch already trained on: where the data loader goes on.</param>
public sealed record TrainingProgress(long Step, long Epoch, long NextSample)
{
    /// <summary>The beginning.</summary>
    public static TrainingProgress Start { get; } = new(0, 0, 0);
}
