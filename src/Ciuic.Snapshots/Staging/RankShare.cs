using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// What one of several ranks stores: its slices, its bytes, and its share of the tensors that all ranks have alike. The work of
/// saving those is split without a word between the ranks.
/// </summary>
public sealed class RankShare
{
    private RankShare(IReadOnlyList<ItemState> items, Digest? replicated) => (Items, Replicated) = (items, replicated);

    /// <summary>What it stores.</summary>
    public IReadOnlyList<ItemState> Items { get; }

    /// <summary>The digest that all ranks must have in common; null where there are no others.</summary>
    public Digest? Replicated { get; }

    /// <summary>Items whose whole tensors are each rank's own, in ordinal order.</summary>
    public IReadOnlyList<string> Own { get; private init; } = [];

    /// <summary>What other ranks hold, too: the tensors that all have alike, in the order of their digest, then its slices.</summary>
    internal IReadOnlyList<HeldTensor> Held { get; private init; } = [];

    /// <summary>Splits what a rank tracks.</summary>
    /// <param name="items">All of it.</param>
    /// <param name="rank">The rank.</param>
    /// <param name="worldSize">Ranks that save; for 1 everything is its own.</param>
    public static RankShare Of(IReadOnlyList<ItemState> items, Rank rank, int worldSize)
    {
        if (worldSize == 1)
            return new RankShare(items, null);
        var shared = items
            .Where(i => !i.IsPerRank)
            .SelectMany(i => i.Tensors.Where(t => t.Slice is null).Select(t => (i.Item, Tensor: t)))
            .OrderBy(t => t.Item, StringComparer.Ordinal)
            .ThenBy(t => t.Tensor.Name, StringComparer.Ordinal)
            .ToList();
        var owners = OwnersOf(items, shared, worldSize);
        var mine = items.Select(i => Part(i, t => owners.GetValueOrDefault((i.Item, t.Name), rank.Value) == rank.Value)).ToList();
        var list = shared.Select(t => new ReplicatedTensor(
            t.Item, t.Tensor.Name, t.Tensor.DType, t.Tensor.Shape, owners[(t.Item, t.Tensor.Name)]));
        return new RankShare(mine, ReplicatedTensors.DigestOf(list))
        {
            Own = [.. items.Where(i => i.IsPerRank).Select(i => i.Item).Order(StringComparer.Ordinal)],
            Held =
            [
                .. shared.Select(t => new HeldTensor(t.Item, t.Tensor, owners[(t.Item, t.Tensor.Name)] == rank.Value)),
                .. items.SelectMany(i => i.Tensors.Where(t => t.Slice is not null).Select(t => new HeldTensor(i.Item, t, IsStored: true))),
            ],
        };
    }

    /// <summary>Some tensors of an item; what they are among all of them stays known.</summary>
    private static ItemState Part(ItemState item, Func<TensorSource, bool> isMine)
    {
        var places = Enumerable.Range(0, item.Tensors.Count).Where(i => isMine(item.Tensors[i])).ToList();
        return item with { Tensors = [.. places.Select(p => item.Tensors[p])], Places = places };
    }

    private static Dictionary<(string, string), int> OwnersOf(
        IReadOnlyList<ItemState> items, List<(string Item, TensorSource Tensor)> shared, int worldSize)
    {
        var weights = WeightsOf(items, shared);
        // A weight and its moments stay together: saved by one rank, they predict each other.
        var groups = shared
            .Where(t => !t.Tensor.IsOfFirstRank)
            .GroupBy(t => weights.GetValueOrDefault((t.Item, t.Tensor.Name), (t.Item, t.Tensor.Name)))
            .OrderBy(g => g.Key.Item1, StringComparer.Ordinal)
            .ThenBy(g => g.Key.Item2, StringComparer.Ordinal)
            .ToList();
        var owners = ReplicatedTensors.Deal([.. groups.Select(g => g.Sum(t => t.Tensor.Length))], worldSize);
        return groups
            .SelectMany((g, i) => g.Select(t => (Name: (t.Item, t.Tensor.Name), Owner: owners[i])))
            .Concat(shared.Where(t => t.Tensor.IsOfFirstRank).Select(t => (Name: (t.Item, t.Tensor.Name), Owner: 0)))
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
