using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>Three chunks that hold the same elements of a tensor and its moments.</summary>
/// <param name="Mean">Index of the first moment's.</param>
/// <param name="Square">Index of the second moment's.</param>
/// <param name="Weight">Index of the tensor's own.</param>
/// <param name="Step">What moved them.</param>
public sealed record MovedChunks(int Mean, int Square, int Weight, AdamStep Step)
{
    /// <summary>Finds them: large tensors are cut alike, small ones share chunks with their neighbours and are left out.</summary>
    /// <param name="items">The live items.</param>
    /// <param name="tensors">Their tensors' records, in the same order.</param>
    /// <param name="layout">What each chunk holds.</param>
    public static List<MovedChunks> Of(
        IReadOnlyList<ItemState> items, IReadOnlyList<TensorRecord> tensors, IReadOnlyList<ChunkLayout> layout)
    {
        var steps = StepsOf(items, tensors);
        var moved = new List<MovedChunks>();
        if (steps.Count == 0)
            return moved;
        var byPlace = new Dictionary<ChunkPlace, int>();
        for (var i = 0; i < layout.Count; i++)
            byPlace[layout[i].Place] = i;
        foreach (var (place, weight) in byPlace)
        {
            if (steps.TryGetValue((place.Item, place.Name), out var known)
                && place.Within + place.Length <= known.Weight.Length
                && byPlace.TryGetValue(place with { Item = known.Optimizer, Name = known.Step.Mean }, out var mean)
                && byPlace.TryGetValue(place with { Item = known.Optimizer, Name = known.Step.Square }, out var square))
            {
                moved.Add(new MovedChunks(mean, square, weight, known.Step));
            }
        }

        return moved;
    }

    /// <summary>The steps by the item and name of the tensor that they moved.</summary>
    private static Dictionary<(string, string), (string Optimizer, AdamStep Step, TensorRecord Weight)> StepsOf(
        IReadOnlyList<ItemState> items, IReadOnlyList<TensorRecord> tensors)
    {
        var found = new Dictionary<(string, string), (string, AdamStep, TensorRecord)>();
        var byIdentity = new Dictionary<object, TensorRecord>(ReferenceEqualityComparer.Instance);
        foreach (var (record, source) in tensors.Zip(items.SelectMany(i => i.Tensors)))
            byIdentity.TryAdd(source.Identity, record);
        foreach (var (item, step) in items.SelectMany(i => i.Steps.Select(s => (i.Item, s))))
        {
            if (byIdentity.TryGetValue(step.Weight, out var weight) && weight.DType == DType.Float32)
                found[(weight.Item, weight.Name)] = (item, step, weight);
        }

        return found;
    }
}
