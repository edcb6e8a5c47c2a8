namespace Ciuic.Core;

/// <summary>
/// What must hold between the shards of one snapshot: ranks that train another model, or cut a tensor otherwise, have saved nothing
/// that could be restored.
/// </summary>
public static class ShardSetRules
{
    /// <summary>The first thing that is wrong, naming ranks and tensor; null where the shards fit together.</summary>
    /// <param name="shards">All shards, by rank.</param>
    public static string? FindComplaint(IReadOnlyList<ShardManifest> shards)
    {
        foreach (var shard in shards.Where(s => s.Replicated != shards[0].Replicated))
        {
            return $"rank {shard.Rank} has other replicated tensors than rank {shards[0].Rank}: names, element types or shapes of their models "
                + "or optimizers differ, or one of their optimizers has left parameters out that the other has stepped";
        }

        return ReplicaRules.FindComplaint(shards) ?? shards
            .SelectMany(s => s.Tensors.Select(t => (s.Rank, Tensor: t)))
            .GroupBy(t => (t.Tensor.Item, t.Tensor.Name))
            .Where(g => g.Any(t => t.Tensor.GlobalShape is not null))
            .Select(g => FindComplaint($"{g.Key.Item}/{g.Key.Name}", [.. g]))
            .FirstOrDefault(complaint => complaint is not null);
    }

    private static string? FindComplaint(string name, List<(Rank Rank, TensorRecord Tensor)> slices)
    {
        var (first, whole) = (slices[0], slices[0].Tensor.WholeShape);
        foreach (var (rank, tensor) in slices)
        {
            if (tensor.GlobalShape is null || first.Tensor.GlobalShape is null)
                return $"{name} is whole on one of the ranks {first.Rank} and {rank} and a slice on the other";
            if (!tensor.WholeShape.SequenceEqual(whole) || tensor.DType != first.Tensor.DType)
            {
                return $"{name} is {Describe(first.Tensor)} for rank {first.Rank} and {Describe(tensor)} for rank {rank}";
            }
        }

        return FindOverlapOrGap(name, whole, slices);
    }

    private static string? FindOverlapOrGap(string name, IReadOnlyList<long> whole, List<(Rank Rank, TensorRecord Tensor)> slices)
    {
        var cut = Enumerable.Range(0, whole.Count)
            .OrderByDescending(d => slices.Select(s => s.Tensor.GlobalOffset![d]).Distinct().Count())
            .FirstOrDefault();
        var boxes = slices
            .Where(s => s.Tensor.Length > 0)
            .Select(s => (s.Rank, s.Tensor.Box))
            .OrderBy(s => s.Box.Offset.ElementAtOrDefault(cut))
            .ToList();
        var open = new List<(Rank Rank, TensorBox Box)>(); // those that reach behind the beginning of the next one
        var covered = 0L;
        foreach (var (rank, box) in boxes)
        {
            open.RemoveAll(o => cut < whole.Count && o.Box.Offset[cut] + o.Box.Shape[cut] <= box.Offset[cut]);
            if (open.Any(o => o.Box.IsSame(box)))
                continue; // a replica
            if (open.Where(o => o.Box.Intersect(box) is not null).Select(o => (Rank?)o.Rank).FirstOrDefault() is { } other)
                return $"the slices of {name} on the ranks {other} and {rank} overlap and are not the same";
            open.Add((rank, box));
            covered += box.Count;
        }

        var count = TensorBox.Whole(whole).Count;
        return covered == count ? null : $"the slices of {name} cover {covered} of its {count} elements";
    }

    private static string Describe(TensorRecord tensor) => $"{tensor.DType.Name()} [{string.Join(", ", tensor.WholeShape)}]";
}
