using Ciuic.Snapshots;
using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>
/// A state of any size that moves as AdamW moves it. Not learnt from anything, so its figures are for sizes, not for how well
/// a real model packs.
/// </summary>
internal sealed class SyntheticStates : IStates
{
    private const int Columns = 4_096;
    private const int MaxRows = 1_024;

    private readonly List<AdamTensors> _layers = [];
    private long _step;

    /// <param name="bytes">Of weights and both moments together, about.</param>
    public SyntheticStates(long bytes)
    {
        for (var rows = Math.Max(1, bytes / (3 * sizeof(float) * Columns)); rows > 0; rows -= MaxRows)
            _layers.Add(new AdamTensors(_layers.Count, (int)Math.Min(rows, MaxRows), Columns));
    }

    public IReadOnlyList<ItemState> Live() => AdamTensors.Items(_layers);

    public void TrainTo(long step)
    {
        for (; _step < step; _step++)
            Parallel.ForEach(_layers, layer => layer.Train());
    }

    public void Dispose()
    {
        // Arrays only.
    }
}
