namespace Ciuic.Core;

/// <summary>What is predicted. The numbers are on disk; never reuse one.</summary>
public enum PredictionKind : byte
{
    /// <summary>
    /// Adam's second moment after a step, from itself before the step and the first moment before and after: those tell the
    /// gradient.
    /// </summary>
    SecondMoment = 1,

    /// <summary>The weights after a step, from themselves before it and both moments after it.</summary>
    Weight = 2,
}
