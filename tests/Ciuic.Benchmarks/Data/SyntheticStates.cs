using System.Runtime.InteropServices;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>
/// A state of any size that moves as AdamW moves it: weights around zero, gradients of another scale in each row, moments
/// that follow them. Not learnt from anything, so its figures are for sizes, not for how well a real model packs.
/// </summary>
internal sealed class SyntheticStates : IStates
{
    private const int Columns = 4_096;
    private const int MaxRows = 1_024;
    private const float LearningRate = 3e-4f;

    private readonly List<Layer> _layers = [];
    private long _step;

    /// <param name="bytes">Of weights and both moments together, about.</param>
    public SyntheticStates(long bytes)
    {
        for (var rows = Math.Max(1, bytes / (3 * sizeof(float) * Columns)); rows > 0; rows -= MaxRows)
            _layers.Add(new Layer(_layers.Count, (int)Math.Min(rows, MaxRows)));
    }

    public IReadOnlyList<ItemState> Live() =>
    [
        new ItemState("model", [.. _layers.Select(l => l.Weight)], [], []),
        new ItemState("optimizer", [.. _layers.SelectMany(l => l.Moments)], [], []),
    ];

    public void TrainTo(long step)
    {
        for (; _step < step; _step++)
            Parallel.ForEach(_layers, layer => layer.Train(_step + 1));
    }

    public void Dispose()
    {
        // Arrays only.
    }

    private sealed class Layer
    {
        private readonly int _rows;
        private readonly Random _random;

        public Layer(int index, int rows)
        {
            (_rows, _random) = (rows, new Random(index));
            Weight = New($"layers.{index}.weight");
            Moments = [New($"{index}.exp_avg"), New($"{index}.exp_avg_sq")];
            foreach (ref var weight in Values(Weight))
                weight = 0.02f * Normal();
        }

        public ArrayTensor Weight { get; }

        public ArrayTensor[] Moments { get; }

        public void Train(long step)
        {
            var weights = Values(Weight);
            var means = Values(Moments[0]);
            var squares = Values(Moments[1]);
            var rate = LearningRate / (1 - MathF.Pow(0.9f, step));
            var root = MathF.Sqrt(1 - MathF.Pow(0.999f, step));
            for (var row = 0; row < _rows; row++)
            {
                var scale = 1e-4f * MathF.Exp(row % 64 / 16f);
                for (var i = row * Columns; i < (row + 1) * Columns; i++)
                {
                    var gradient = scale * Normal();
                    means[i] += 0.1f * (gradient - means[i]);
                    squares[i] = (0.999f * squares[i]) + (0.001f * gradient * gradient);
                    weights[i] = (weights[i] * (1 - (LearningRate * 0.1f))) - (rate * means[i] / ((MathF.Sqrt(squares[i]) / root) + 1e-8f));
                }
            }
        }

        private ArrayTensor New(string name) => new(name, DType.Float32, [_rows, Columns], new byte[sizeof(float) * _rows * Columns]);

        /// <summary>Nearly: the sum of four even ones.</summary>
        private float Normal() =>
            (_random.NextSingle() + _random.NextSingle() + _random.NextSingle() + _random.NextSingle() - 2) * 1.73f;

        private static Span<float> Values(ArrayTensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.Content.AsSpan());
    }
}
