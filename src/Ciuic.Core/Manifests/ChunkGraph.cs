namespace Ciuic.Core;

/// <summary>Which chunks a shard's chunks are the differences to.</summary>
public sealed class ChunkGraph
{
    private readonly Dictionary<ChunkId, ChunkId> _bases = [];

    /// <summary>The bases of a valid shard.</summary>
    public ChunkGraph(ShardManifest shard)
    {
        foreach (var chunk in shard.Chunks.Concat(shard.Bases ?? []))
        {
            if (chunk.Base is { } basis)
                _bases[chunk.Id] = basis;
        }
    }

    /// <summary>
    /// What is needed to read a chunk: its base, that one's base, and so on; the last one is stored whole. Empty where the chunk
    /// itself is.
    /// </summary>
    public IReadOnlyList<ChunkId> BasesOf(ChunkId chunk)
    {
        if (!_bases.ContainsKey(chunk))
            return [];
        var bases = new List<ChunkId>();
        for (var at = chunk; _bases.TryGetValue(at, out var basis); at = basis)
            bases.Add(basis);
        return bases;
    }
}
