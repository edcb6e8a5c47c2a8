using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>What became of reading one chunk.</summary>
/// <param name="StoredBytes">Stored bytes of the chunk itself; 0 where it could not be read.</param>
/// <param name="Damage">It, or one that it needs, is missing or damaged; null when every byte is right.</param>
public readonly record struct ChunkOutcome(int StoredBytes, CorruptException? Damage);
