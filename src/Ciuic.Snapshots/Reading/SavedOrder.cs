using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// The order of a snapshot's tensors, of which every reader sees the same: that in which they were saved. Where ranks had other orders it
/// is a mixture of them, but one and the same for all. Earlier versions did not say it: then the first rank's come first, as they lie.
/// </summary>
internal static class SavedOrder
{
    /// <summary>Puts tensors in order, item by item.</summary>
    /// <param name="shards">All shards, by rank.</param>
    /// <param name="tensors">The parts of each tensor, as a reader sees them.</param>
    public static IEnumerable<List<TensorPart>> Of(IReadOnlyList<ShardManifest> shards, IReadOnlyCollection<List<TensorPart>> tensors)
    {
        if (shards.Count == 1)
            return tensors;
        var (items, slices) = (new Dictionary<string, int>(), new Dictionary<(string, string), TensorPart>());
        var places = new Dictionary<TensorRecord, int>(ReferenceEqualityComparer.Instance); // offsets would do but for those without elements
        foreach (var part in shards.SelectMany((s, shard) => s.Tensors.Select(t => new TensorPart(shard, t))))
        {
            places.Add(part.Record, places.Count);
            items.TryAdd(part.Record.Item, items.Count);
            if (part.Record.GlobalShape is not null)
                slices.TryAdd((part.Record.Item, part.Record.Name), part);
        }

        return tensors
            .Select(parts => (Parts: parts, Place: PlaceOf(parts[0])))
            .OrderBy(t => items[t.Place.Record.Item])
            .ThenBy(t => t.Place.Record.Order ?? 0)
            .ThenBy(t => places[t.Place.Record]) // shard by shard
            .Select(t => t.Parts);

        // Which slice a reader sees first is his own; what is each rank's own is in the order that it had there.
        TensorPart PlaceOf(TensorPart first) => slices.GetValueOrDefault((first.Record.Item, first.Record.Name), first);
    }
}
