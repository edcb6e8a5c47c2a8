using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>The bytes of a shard that is restored, every one of them checked before it is handed out.</summary>
public abstract class ShardContent(ShardManifest manifest)
{
    /// <summary>What the shard holds.</summary>
    public ShardManifest Manifest => manifest;

    /// <summary>Hands a tensor's bytes over in pieces: byte offset within the tensor, bytes.</summary>
    /// <exception cref="CorruptException">They are damaged; never where all of them were checked before.</exception>
    public abstract void Read(TensorRecord tensor, Action<long, ReadOnlyMemory<byte>> copy);

    /// <summary>A copy of a byte item.</summary>
    /// <exception cref="CorruptException">Likewise.</exception>
    public abstract byte[] Read(ByteRecord item);
}
