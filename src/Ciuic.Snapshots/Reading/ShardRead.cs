namespace Ciuic.Snapshots;

/// <summary>A record of a shard that is to be read whole.</summary>
/// <param name="Offset">Its first byte in the shard.</param>
/// <param name="Length">Its bytes, 1 or more.</param>
/// <param name="Copy">Takes them in pieces, offset within the record and bytes: in any order, and from several threads at once.</param>
public readonly record struct ShardRead(long Offset, long Length, Action<long, ReadOnlyMemory<byte>> Copy);
