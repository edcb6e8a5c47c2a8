namespace Ciuic.Core;

/// <summary>Chunks that are read together, because some of them are needed to read others.</summary>
/// <param name="Order">All of them and all that those need, sources before what is stored with them; each once.</param>
/// <param name="Wanted">Those that are asked for.</param>
public sealed record ChunkFamily(IReadOnlyList<ChunkRecord> Order, IReadOnlySet<ChunkId> Wanted)
{
    /// <summary>A chunk that needs no other.</summary>
    public static ChunkFamily Whole(ChunkId id, int length) =>
        new([new ChunkRecord { Id = id, Length = length }], new HashSet<ChunkId> { id });
}
