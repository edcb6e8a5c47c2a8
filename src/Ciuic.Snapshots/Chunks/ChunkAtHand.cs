using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>A chunk whose plain bytes lie in memory.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Plain">Its bytes.</param>
public readonly record struct ChunkAtHand(ChunkId Id, ReadOnlyMemory<byte> Plain)
{
    /// <summary>What a chunk that is stored whole is stored with.</summary>
    internal static IReadOnlyList<ChunkAtHand> None { get; } = [];

    internal ChunkBase AsBase() => new(Id, Plain.Span);

    /// <summary>None, a base, or a base and both inputs.</summary>
    internal static ChunkSources Sources(IReadOnlyList<ChunkAtHand> chunks) => chunks.Count switch
    {
        0 => ChunkSources.None,
        1 => new ChunkSources(chunks[0].AsBase()),
        _ => new ChunkSources(chunks[0].AsBase(), chunks[1].AsBase(), chunks[2].AsBase()),
    };
}
