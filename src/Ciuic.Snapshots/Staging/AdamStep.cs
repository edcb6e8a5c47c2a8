using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// What an optimizer of the Adam family did to one tensor last: the tensor and its second moment can be told from what they were
/// before, and need not be stored. Numbers that are not those of the step cost bytes, and nothing else.
/// </summary>
/// <param name="Weight">The tensor that was moved: its <see cref="TensorSource.Identity"/>.</param>
/// <param name="Mean">Name of its first moment within the optimizer's item.</param>
/// <param name="Square">Name of its second moment.</param>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="Rate">The learning rate; one that a scheduler has moved on already is tried as well as that of the save before.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second.</param>
/// <param name="Epsilon">Added to the denominator.</param>
/// <param name="Decay">Decoupled weight decay (AdamW); 0 where there is none, or where it is part of the gradient (Adam).</param>
public sealed record AdamStep(
    object Weight, string Mean, string Square, long Step, double Rate, double Beta1, double Beta2, double Epsilon, double Decay)
{
    /// <summary>The second moment after it.</summary>
    internal Prediction SecondMoment => Prediction.OfSecondMoment(Beta1, Beta2);

    /// <summary>The weights after it, by its own learning rate and by that of the step before.</summary>
    internal Prediction[] Weights(AdamStep? before)
    {
        var own = Prediction.OfWeight(Step, Rate, Beta1, Beta2, Epsilon, Decay);
        return before is null || before.Rate == Rate
            ? [own]
            : [own, Prediction.OfWeight(Step, before.Rate, Beta1, Beta2, Epsilon, Decay)];
    }
}
