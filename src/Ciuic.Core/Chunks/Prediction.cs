namespace Ciuic.Core;

/// <summary>
/// One step of Adam or AdamW (Kingma and Ba 2014; Loshchilov and Hutter 2017) in the order of operations of PyTorch on
/// singles, as four numbers: what a reader needs to replay it without knowing any optimizer. A wrong number makes a larger
/// residual, never a wrong byte.
/// </summary>
/// <param name="Kind">What it predicts.</param>
/// <param name="A">Second moment: beta1. Weight: what weights are multiplied with first, 1 - rate x decay.</param>
/// <param name="B">Second moment: 1 / (1 - beta1). Weight: -rate / (1 - beta1^step).</param>
/// <param name="C">Second moment: beta2. Weight: the root of 1 - beta2^step.</param>
/// <param name="D">Second moment: 1 - beta2. Weight: epsilon.</param>
public readonly record struct Prediction(PredictionKind Kind, float A, float B, float C, float D)
{
    /// <summary>The second moment after a step.</summary>
    /// <param name="beta1">Decay of the first moment, 0 to 1, not 1.</param>
    /// <param name="beta2">Decay of the second.</param>
    public static Prediction OfSecondMoment(double beta1, double beta2) =>
        new(PredictionKind.SecondMoment, (float)beta1, (float)(1 / (1 - beta1)), (float)beta2, (float)(1 - beta2));

    /// <summary>The weights after a step.</summary>
    /// <param name="step">Steps done, this one included, from 1.</param>
    /// <param name="rate">The learning rate of that step.</param>
    /// <param name="beta1">Decay of the first moment.</param>
    /// <param name="beta2">Decay of the second.</param>
    /// <param name="epsilon">Added to the denominator.</param>
    /// <param name="decay">Decoupled weight decay (AdamW); 0 where there is none.</param>
    public static Prediction OfWeight(long step, double rate, double beta1, double beta2, double epsilon, double decay) => new(
        PredictionKind.Weight,
        (float)(1 - (rate * decay)),
        (float)-(rate / (1 - Math.Pow(beta1, step))),
        (float)Math.Sqrt(1 - Math.Pow(beta2, step)),
        (float)epsilon);
}
