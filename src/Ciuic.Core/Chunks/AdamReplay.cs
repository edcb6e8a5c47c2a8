using System.Numerics;
using System.Runtime.InteropServices;

namespace Ciuic.Core;

/// <summary>
/// Replays a step on singles. Each operation is one of IEEE 754, correctly rounded, in the order that is written here, and
/// none is fused with another: every machine gets the same bits. A NaN has many; all become one.
/// </summary>
internal static class AdamReplay
{
    private const int CanonicalNaN = 0x7FC0_0000;

    private static float _one = 1; // not a constant: what this thread does is asked, not what the compiler does

    /// <summary>
    /// Whether this thread computes as IEEE 754 says. A native library may have told it to take the smallest numbers for zero;
    /// what it predicted others could not.
    /// </summary>
    public static bool IsExact => float.Epsilon * Volatile.Read(ref _one) != 0;

    /// <summary>Predicts elements.</summary>
    /// <param name="how">The step.</param>
    /// <param name="before">The same elements before it.</param>
    /// <param name="input1">First moment: before the step where the second one is predicted, else after it.</param>
    /// <param name="input2">First moment after the step where the second one is predicted, else the second one after it.</param>
    /// <param name="predicted">Takes as many.</param>
    public static void Predict(
        in Prediction how, ReadOnlySpan<byte> before, ReadOnlySpan<byte> input1, ReadOnlySpan<byte> input2, Span<byte> predicted)
    {
        if (how.Kind == PredictionKind.SecondMoment)
            SecondMoment(how, Of(before), Of(input1), Of(input2), MemoryMarshal.Cast<byte, float>(predicted));
        else
            Weight(how, Of(before), Of(input1), Of(input2), MemoryMarshal.Cast<byte, float>(predicted));
    }

    private static void SecondMoment(
        in Prediction how, ReadOnlySpan<float> before, ReadOnlySpan<float> meanBefore, ReadOnlySpan<float> mean, Span<float> predicted)
    {
        var i = 0;
        for (; i <= predicted.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var gradient = (new Vector<float>(mean[i..]) - (new Vector<float>(meanBefore[i..]) * how.A)) * how.B;
            Store((new Vector<float>(before[i..]) * how.C) + (gradient * how.D * gradient), predicted[i..]);
        }

        for (; i < predicted.Length; i++)
        {
            var gradient = (mean[i] - (meanBefore[i] * how.A)) * how.B;
            predicted[i] = Canonical((before[i] * how.C) + (gradient * how.D * gradient));
        }
    }

    private static void Weight(
        in Prediction how, ReadOnlySpan<float> before, ReadOnlySpan<float> mean, ReadOnlySpan<float> square, Span<float> predicted)
    {
        var (root, epsilon) = (new Vector<float>(how.C), new Vector<float>(how.D));
        var i = 0;
        for (; i <= predicted.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var below = (Vector.SquareRoot(new Vector<float>(square[i..])) / root) + epsilon;
            Store((new Vector<float>(before[i..]) * how.A) + (new Vector<float>(mean[i..]) * how.B / below), predicted[i..]);
        }

        for (; i < predicted.Length; i++)
        {
            var below = (MathF.Sqrt(square[i]) / how.C) + how.D;
            predicted[i] = Canonical((before[i] * how.A) + (mean[i] * how.B / below));
        }
    }

    private static void Store(Vector<float> value, Span<float> target)
    {
        var nan = new Vector<float>(BitConverter.Int32BitsToSingle(CanonicalNaN));
        Vector.ConditionalSelect(Vector.Equals(value, value), value, nan).CopyTo(target);
    }

    private static float Canonical(float value) => float.IsNaN(value) ? BitConverter.Int32BitsToSingle(CanonicalNaN) : value;

    private static ReadOnlySpan<float> Of(ReadOnlySpan<byte> bytes) => MemoryMarshal.Cast<byte, float>(bytes);
}
