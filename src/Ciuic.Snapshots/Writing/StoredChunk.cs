using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>A chunk that is in the bucket.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Length">Plain bytes.</param>
/// <param name="Base">What it is stored as the difference to; null where it is stored whole.</param>
public sealed record StoredChunk(ChunkId Id, int Length, StoredChunk? Base)
{
    /// <summary>Differences between it and a chunk that is stored whole.</summary>
    public int Depth { get; } = Base is null ? 0 : Base.Depth + 1;

    /// <summary>What manifests say of it.</summary>
    public ChunkRecord Record => new() { Id = Id, Length = Length, Base = Base?.Id };

    /// <summary>The chunks of a shard as its manifest names them.</summary>
    public static IReadOnlyList<StoredChunk> Of(ShardManifest shard)
    {
        var records = shard.Chunks.Concat(shard.Bases ?? []).DistinctBy(c => c.Id).ToDictionary(c => c.Id);
        var made = new Dictionary<ChunkId, StoredChunk>();
        return shard.Chunks.Select(c => Make(c.Id)).ToList();

        StoredChunk Make(ChunkId id)
        {
            if (made.TryGetValue(id, out var chunk))
                return chunk;
            var record = records[id];
            return made[id] = new StoredChunk(id, record.Length, record.Base is { } basis ? Make(basis) : null);
        }
    }

    /// <summary>The records of all chunks that these need and that are none of them; null where they need none.</summary>
    public static IReadOnlyList<ChunkRecord>? BasesOf(IReadOnlyCollection<StoredChunk> chunks)
    {
        var seen = chunks.Select(c => c.Id).ToHashSet();
        var bases = new List<ChunkRecord>();
        foreach (var chunk in chunks)
        {
            for (var at = chunk.Base; at is not null && seen.Add(at.Id); at = at.Base)
                bases.Add(at.Record);
        }

        return bases.Count > 0 ? bases : null;
    }
}
