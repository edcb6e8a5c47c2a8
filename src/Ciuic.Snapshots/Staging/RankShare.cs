using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// What one of several ranks stores: its slices, its bytes, and its share of the tensors that all ranks have alike. The work of
/// saving those is split without a word between the ranks.
/// </summary>
public static class RankShare
{
    /// <summary>Splits what a rank tracks.</summary>
    /// <param name="items">All of it.</param>
    /// <param name="rank">The rank.</param>
    /// <param name="worldSize">Ranks that save; for 1 everything is its own.</param>
    /// <returns>What it stores, and the digest that all ranks must have in common.</returns>
    public static (IReadOnlyList<ItemState> Items, Digest? Replicated) Of(
        IReadOnlyList<ItemState> items, Rank rank, int worldSize)
    {
        if (worldSize == 1)
            return (items, null);
        var shared = items
            .Where(i => !i.IsPerRank)
            .SelectMany(i => i.Tensors.Where(t => t.Slice is null).Select(t => (i.Item, Tensor: t)))
            .ToList();
        var owners = OwnersOf(items, shared, worldSize);
        var mine = items.Select(i => i with
        {
            Tensors = [.. i.Tensors.Where(t => owners.GetValueOrDefault((i.Item, t.Name), rank.Value) == rank.Value)],
        });
        var list = shared.Select(t => new ReplicatedTensor(
            t.Item, t.Tensor.Name, t.Tensor.DType, t.Tensor.Shape, owners[(t.Item, t.Tensor.Name)]));
        return ([.. mine], ReplicatedTensors.DigestOf(list));
    }

    private static Dictionary<(string, string), int> OwnersOf(
        IReadOnlyList<ItemState> items, List<(string Item, TensorSource Tensor)> shared, int worldSize)
    {
        var weights = WeightsOf(items, shared);
        // A weight and its moments stay together: saved by one rank, they predict each other.
        var groups = shared
            .GroupBy(t => weights.GetValueOrDefault((t.Item, t.Tensor.Name), (t.Item, t.Tensor.Name)))
            .OrderBy(g => g.Key.Item1, StringComparer.Ordinal)
            .ThenBy(g => g.Key.Item2, StringComparer.Ordinal)
            .ToList();
        var owners = ReplicatedTensors.Deal([.. groups.Select(g => g.Sum(t => t.Tensor.Length))], worldSize);
        return groups
            .SelectMany((g, i) => g.Select(t => (Name: (t.Item, t.Tensor.Name), Owner: owners[i])))
            .ToDictionary(t => t.Name, t => t.Owner);
    }

    /// <summary>Which weight the moments belong to.</summary>
    private static Dictionary<(string, string), (string, string)> WeightsOf(
        IReadOnlyList<ItemState> items, List<(string Item, TensorSource Tensor)> shared)
    {
        var names = new Dictionary<object, (string, string)>(ReferenceEqualityComparer.Instance);
        foreach (var (item, tensor) in shared)
            names.TryAdd(tensor.Identity, (item, tensor.Name));
        var weights = new Dictionary<(string, string), (string, string)>();
        foreach (var (item, step) in items.SelectMany(i => i.Steps.Select(s => (i.Item, s))))
        {
            if (!names.TryGetValue(step.Weight, out var weight))
                continue;
            weights[(item, step.Mean)] = weight;
            weights[(item, step.Square)] = weight;
        }

        return weights;
    }
}
