using System.Runtime.InteropServices;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Testing;

/// <summary>
/// A tensor that is moved as PyTorch's AdamW moves it, by gradients of another scale in each row: weights around zero, moments
/// that follow.
/// </summary>
public sealed class AdamTensors
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const double Epsilon = 1e-8;
    private const double Decay = 0.1;

    private readonly int _columns;
    private readonly Random _random;
    private long _step;
    private double _rate = 3e-4;

    public AdamTensors(int index, int rows, int columns)
    {
        (_columns, _random) = (columns, new Random(index));
        Weight = New($"layers.{index}.weight", rows);
        Mean = New($"{index}.exp_avg", rows);
        Square = New($"{index}.exp_avg_sq", rows);
        foreach (ref var weight in Values(Weight))
            weight = 0.02f * Normal();
    }

    public ArrayTensor Weight { get; }

    public ArrayTensor Mean { get; }

    public ArrayTensor Square { get; }

    /// <summary>What a scheduler sets after each step.</summary>
    public double NextRate { get; set; } = 3e-4;

    /// <summary>As an optimizer that is tracked tells it: with the learning rate of the step to come.</summary>
    public AdamStep Step => new(Weight.Identity, Mean.Name, Square.Name, _step, NextRate, Beta1, Beta2, Epsilon, Decay);

    /// <summary>Items named model and optimizer.</summary>
    public static IReadOnlyList<ItemState> Items(params IReadOnlyList<AdamTensors> layers) =>
    [
        new ItemState("model", [.. layers.Select(l => l.Weight)], [], []),
        new ItemState("optimizer", [.. layers.SelectMany(l => new[] { l.Mean, l.Square })], [], []) { Steps = [.. layers.Select(l => l.Step)] },
    ];

    public void Train()
    {
        _rate = NextRate;
        _step++;
        var weights = Values(Weight);
        var means = Values(Mean);
        var squares = Values(Square);
        var rate = (float)-(_rate / (1 - Math.Pow(Beta1, _step)));
        var root = (float)Math.Sqrt(1 - Math.Pow(Beta2, _step));
        for (var i = 0; i < weights.Length; i++)
        {
            var gradient = 1e-4f * MathF.Exp(i / _columns % 64 / 16f) * Normal();
            means[i] = (means[i] * (float)Beta1) + (gradient * (float)(1 - Beta1));
            squares[i] = (squares[i] * (float)Beta2) + ((float)(1 - Beta2) * gradient * gradient);
            var below = (MathF.Sqrt(squares[i]) / root) + (float)Epsilon;
            weights[i] = (weights[i] * (float)(1 - (_rate * Decay))) + (rate * means[i] / below);
        }
    }

    private ArrayTensor New(string name, int rows) => new(name, DType.Float32, [rows, _columns], new byte[sizeof(float) * rows * _columns]);

    /// <summary>Nearly: the sum of four even ones.</summary>
    private float Normal() =>
        (_random.NextSingle() + _random.NextSingle() + _random.NextSingle() + _random.NextSingle() - 2) * 1.73f;

    private static Span<float> Values(ArrayTensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.Content.AsSpan());
}
