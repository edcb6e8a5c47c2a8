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

    /// <summary>
    /// Hands many records over in one pass: each chunk is read and unpacked once, however many records lie in it, and no more than
    /// a few chunks are in memory at once.
    /// </summary>
    /// <param name="reads">The records, each once.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="CorruptException">Likewise.</exception>
    public abstract Task ReadAsync(IReadOnlyList<ShardRead> reads, CancellationToken cancel);

    /// <summary>Makes sure of stretches of the shard: reads and checks what was not read yet, each chunk once.</summary>
    /// <exception cref="CorruptException">Likewise.</exception>
    internal abstract Task CheckAsync(IReadOnlyList<ShardStretch> stretches, CancellationToken cancel);
}
