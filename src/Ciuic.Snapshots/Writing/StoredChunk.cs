using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>A chunk that is in the bucket.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Length">Plain bytes.</param>
/// <param name="Sources">
/// What it is stored with: nothing where it is whole, the chunk that it is the difference to, or that and the two others that it is
/// predicted from.
/// </param>
public sealed record StoredChunk(ChunkId Id, int Length, IReadOnlyList<StoredChunk> Sources)
{
    /// <summary>Differences and predictions, at most, between it and a chunk that is stored whole.</summary>
    public int Depth { get; } = DepthOver(Sources);

    /// <summary>What manifests say of it.</summary>
    public ChunkRecord Record => new()
    {
        Id = Id,
        Length = Length,
        Base = Sources.Count > 0 ? Sources[0].Id : null,
        Input1 = Sources.Count > 1 ? Sources[1].Id : null,
        Input2 = Sources.Count > 1 ? Sources[2].Id : null,
    };

    /// <summary>The depth of a chunk that is stored with these.</summary>
    public static int DepthOver(IReadOnlyCollection<StoredChunk> sources) => sources.Count == 0 ? 0 : 1 + sources.Max(s => s.Depth);

    /// <summary>A chunk whose bytes need no other.</summary>
    public static StoredChunk Whole(ChunkId id, int length) => new(id, length, []);

    /// <summary>It, or one that it needs, by its name: bytes that come back as they were are stored already.</summary>
    public StoredChunk? Find(ChunkId id) => Find(id, []);

    private StoredChunk? Find(ChunkId id, HashSet<ChunkId> seen) => Id == id
        ? this
        : Sources.Where(s => seen.Add(s.Id)).Select(s => s.Find(id, seen)).FirstOrDefault(s => s is not null);

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
            return made[id] = new StoredChunk(id, record.Length, [.. record.Sources.Select(Make)]);
        }
    }

    /// <summary>The records of all chunks that these need and that are none of them; null where they need none.</summary>
    public static IReadOnlyList<ChunkRecord>? BasesOf(IReadOnlyCollection<StoredChunk> chunks)
    {
        var seen = chunks.Select(c => c.Id).ToHashSet();
        var bases = new List<ChunkRecord>();
        foreach (var chunk in chunks)
            Add(chunk);
        return bases.Count > 0 ? bases : null;

        void Add(StoredChunk chunk)
        {
            foreach (var source in chunk.Sources.Where(s => seen.Add(s.Id)))
            {
                bases.Add(source.Record);
                Add(source);
            }
        }
    }
}
