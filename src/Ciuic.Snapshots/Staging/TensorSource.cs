using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>One live tensor to be saved. Its bytes are read only while staging.</summary>
public abstract class TensorSource
{
    /// <summary>Name within its item.</summary>
    public abstract string Name { get; }

    /// <summary>Element type.</summary>
    public abstract DType DType { get; }

    /// <summary>Extent per dimension.</summary>
    public abstract IReadOnlyList<long> Shape { get; }

    /// <summary>Where it lies in the whole tensor, if it is this rank's part of one; null where it is whole.</summary>
    public virtual TensorSlice? Slice => null;

    /// <summary>
    /// Whether the first rank's values count where ranks have others, as of a module's buffers: running statistics are each rank's own
    /// while it trains, and what is spread before each pass is the first one's. It stores them, and they are not compared.
    /// </summary>
    public virtual bool IsOfFirstRank => false;

    /// <summary>The object whose bytes these are: two sources of one identity are the same tensor.</summary>
    public virtual object Identity => this;

    /// <summary>Bytes, row-major.</summary>
    public long Length => DType.ByteLength(Shape)
        ?? throw new InvalidInputException($"Tensor '{Name}' has an impossible shape.");

    /// <summary>Copies bytes from the given byte offset on; fills the destination. Called from several threads at once.</summary>
    public abstract void CopyTo(long offset, Span<byte> destination);
}
