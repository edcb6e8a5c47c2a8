using Ciuic.Core;
using Ciuic.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Ciuic.Trainer;

/// <summary>
/// Data-parallel training whose optimizer is cut among the ranks (ZeRO, stage 1): every rank has the whole model and some rows of
/// each parameter's moments. Gradients are added up, each rank moves its rows, and all get all rows.
/// </summary>
internal sealed class SharedUpdate : IUpdate
{
    private readonly RankExchange _ranks;
    private readonly double _maxNorm;
    private readonly List<(Parameter Whole, Parameter Rows, TensorSlice Slice)> _parameters = [];

    public SharedUpdate(Gpt model, RankExchange ranks, double learningRate, double weightDecay, double maxNorm)
    {
        (_ranks, _maxNorm) = (ranks, maxNorm);
        foreach (var whole in model.parameters())
        {
            var slice = TensorSlice.OfRows(whole.shape, ranks.Rank, ranks.WorldSize);
            var rows = new Parameter(RowsOf(whole, slice).detach().clone());
            Slices.Add(rows, slice);
            _parameters.Add((whole, rows, slice));
        }

        Optimizer = optim.AdamW(_parameters.Select(p => p.Rows), learningRate, weight_decay: weightDecay);
    }

    public optim.Optimizer Optimizer { get; }

    public TensorSlices Slices { get; } = new();

    public (int First, int Count) Share(int batch)
    {
        var first = batch * _ranks.Rank / _ranks.WorldSize;
        return (first, batch * (_ranks.Rank + 1) / _ranks.WorldSize - first);
    }

    public (float Loss, bool IsTold) Apply(float loss, bool isTold)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var gradients = cat([.. _parameters.Select(p => p.Whole.grad!.view(-1))]);
        var sum = new float[gradients.NumberOfElements + 2];
        gradients.data<float>().CopyTo(sum);
        (sum[^2], sum[^1]) = (loss, isTold ? 1 : 0);
        _ranks.Sum(sum);
        Move(tensor(sum[..^2]));
        return (sum[^2], sum[^1] > 0);
    }

    public void Dispose()
    {
        Optimizer.Dispose();
        _ranks.Dispose();
    }

    /// <summary>After a restore of the whole model: this rank's rows are those of the model.</summary>
    public void TakeRows()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        foreach (var (whole, rows, slice) in _parameters)
            rows.copy_(RowsOf(whole, slice));
    }

    private void Move(Tensor gradients)
    {
        // As clip_grad_norm_ does: all ranks see the same norm.
        var scale = Math.Min(1, _maxNorm / (gradients.norm().item<float>() + 1e-6));
        var at = 0L;
        foreach (var (whole, rows, slice) in _parameters)
        {
            var gradient = gradients.narrow(0, at, whole.NumberOfElements).view(whole.shape) * scale;
            rows.grad = RowsOf(gradient, slice).clone();
            at += whole.NumberOfElements;
        }

        Optimizer.step();
        GatherRows(at);
    }

    /// <summary>Each rank contributes its rows to a vector of zeros; the sum of all is the whole.</summary>
    private void GatherRows(long elements)
    {
        var all = zeros(elements);
        var at = 0L;
        foreach (var (whole, rows, slice) in _parameters)
        {
            RowsOf(all.narrow(0, at, whole.NumberOfElements).view(whole.shape), slice).copy_(rows);
            at += whole.NumberOfElements;
        }

        var sum = all.data<float>().ToArray();
        _ranks.Sum(sum);
        all = tensor(sum);
        at = 0;
        foreach (var (whole, _, _) in _parameters)
        {
            whole.copy_(all.narrow(0, at, whole.NumberOfElements).view(whole.shape));
            at += whole.NumberOfElements;
        }
    }

    private static Tensor RowsOf(Tensor whole, TensorSlice slice) => whole.narrow(0, slice.Box.Offset[0], slice.Box.Shape[0]);
}
