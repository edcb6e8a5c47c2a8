using Ciuic.Client;
using Ciuic.Core;
using static TorchSharp.torch;

namespace Ciuic.Trainer;

/// <summary>
/// Windows of the text in an order that is shuffled anew each epoch. The order follows from seed and epoch, so that a
/// position says everything: a resumed run sees the same samples, none twice and none left out.
/// </summary>
internal sealed class BatchSampler
{
    private readonly byte[] _text;
    private readonly int _context;
    private readonly int _batch;
    private readonly int _seed;
    private readonly int _samples;
    private (long Epoch, int[] Order) _order = (-1, []);

    public BatchSampler(byte[] text, int context, int batch, int batchesPerEpoch, int seed)
    {
        _text = text;
        _context = context;
        _batch = batch;
        _seed = seed;
        _samples = batch * batchesPerEpoch;
        if (text.Length / (context + 1) < _samples)
        {
            throw new InvalidInputException(
                $"--text: the text has {text.Length} bytes; {_samples * (context + 1)} are needed for an epoch.");
        }
    }

    /// <summary>Inputs and targets at a position, [batch, context] each.</summary>
    public (Tensor Inputs, Tensor Targets) At(TrainingProgress progress) => At(progress, 0, _batch);

    /// <summary>Inputs and targets of some samples of the batch at a position, [count, context] each.</summary>
    public (Tensor Inputs, Tensor Targets) At(TrainingProgress progress, int first, int count)
    {
        var order = OrderOf(progress.Epoch);
        var tokens = new long[count * (_context + 1)];
        for (var i = 0; i < count; i++)
        {
            var begin = order[progress.NextSample + first + i] * (_context + 1);
            for (var t = 0; t <= _context; t++)
                tokens[i * (_context + 1) + t] = _text[begin + t];
        }

        var windows = tensor(tokens, [count, _context + 1]);
        return (windows.narrow(1, 0, _context).contiguous(), windows.narrow(1, 1, _context).contiguous());
    }

    /// <summary>The position after a step.</summary>
    public TrainingProgress Next(TrainingProgress progress)
    {
        var next = progress.NextSample + _batch;
        return next < _samples
            ? new TrainingProgress(progress.Step + 1, progress.Epoch, next)
            : new TrainingProgress(progress.Step + 1, progress.Epoch + 1, 0);
    }

    private int[] OrderOf(long epoch)
    {
        if (_order.Epoch != epoch)
        {
            var order = Enumerable.Range(0, _text.Length / (_context + 1)).ToArray();
            new Random(HashCode(_seed, epoch)).Shuffle(order);
            _order = (epoch, order);
        }

        return _order.Order;
    }

    /// <summary>.NET's own HashCode differs from process to process.</summary>
    private static int HashCode(int seed, long epoch) => unchecked(seed * 1_000_003 + (int)epoch);
}
