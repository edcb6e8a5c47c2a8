using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>The bytes of a shard that is restored, every one of them checked before it is handed out.</summary>
public abstract class ShardContent(ShardManifest manifest)
{
    /// <summary>What the shard holds.</summary>
    public ShardManifest Manifest => manifest;

    /// <summary>Hands a stretch of the shard's bytes over in pieces, in order: byte offset within the stretch, bytes.</summary>
    /// <exception cref="CorruptException">They are damaged; never where all of them were checked before.</exception>
    public abstract void Read(long offset, long length, Action<long, ReadOnlyMemory<byte>> copy);
}
