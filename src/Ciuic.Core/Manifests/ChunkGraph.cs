namespace Ciuic.Core;

/// <summary>Which chunks are needed to read a shard's chunks.</summary>
public sealed class ChunkGraph
{
    private readonly Dictionary<ChunkId, ChunkRecord> _records = [];

    /// <summary>The chunks of a valid shard.</summary>
    public ChunkGraph(ShardManifest shard)
    {
        foreach (var chunk in shard.Chunks.Concat(shard.Bases ?? []))
            _records[chunk.Id] = chunk;
    }

    /// <summary>
    /// Groups chunks so that each is read once, after what it needs: a weight's chunk is predicted from its moments', which are
    /// wanted as well. What several groups need and nobody wants is read by each of them.
    /// </summary>
    /// <param name="wanted">Names of chunks of the shard; doubles do no harm.</param>
    /// <returns>Families that hold each wanted chunk once, one after the other as they are asked for.</returns>
    public IEnumerable<ChunkFamily> FamiliesOf(IEnumerable<ChunkId> wanted)
    {
        var left = new HashSet<ChunkId>();
        var inOrder = wanted.Where(left.Add).ToList();
        var needed = inOrder.SelectMany(id => _records[id].Sources).ToHashSet();
        // First those that no other wanted one needs: theirs come with them.
        foreach (var id in inOrder.OrderBy(needed.Contains))
        {
            if (left.Contains(id))
                yield return FamilyOf(id, left);
        }
    }

    private ChunkFamily FamilyOf(ChunkId id, HashSet<ChunkId> left)
    {
        var order = new List<ChunkRecord>();
        AddInOrder(id, [], order);
        var wanted = order.Select(c => c.Id).Where(left.Remove).ToHashSet();
        return new ChunkFamily(order, wanted);
    }

    /// <summary>As deep as differences may lie one behind the other, which a valid shard bounds.</summary>
    private void AddInOrder(ChunkId id, HashSet<ChunkId> seen, List<ChunkRecord> order)
    {
        if (!seen.Add(id))
            return;
        foreach (var source in _records[id].Sources)
            AddInOrder(source, seen, order);
        order.Add(_records[id]);
    }
}
