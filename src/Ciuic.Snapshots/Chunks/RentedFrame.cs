using System.Buffers;
using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// A chunk's stored bytes in a buffer that is lent: memory of this size that nobody has touched yet costs more than
/// reading into it.
/// </summary>
internal sealed class RentedFrame : IDisposable
{
    private readonly byte[] _array;

    private RentedFrame(byte[] array, int length) => (_array, Length) = (array, length);

    public int Length { get; }

    public ReadOnlySpan<byte> Span => _array.AsSpan(0, Length);

    /// <summary>Reads a chunk of so many plain bytes; null where there is none. What is longer than any frame of it is cut off.</summary>
    public static async Task<RentedFrame?> TryReadAsync(
        IObjectStore store, ObjectKey key, int plainLength, CancellationToken cancel)
    {
        var array = ArrayPool<byte>.Shared.Rent(ChunkFrame.MaxLength(plainLength) + 1);
        try
        {
            // A byte more than a frame may have: one that is too long is refused by its decoder, not taken for a shorter one.
            var length = await store.GetRangeAsync(key, 0, array.AsMemory(0, ChunkFrame.MaxLength(plainLength) + 1), cancel);
            if (length is { } read)
                return new RentedFrame(array, read);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(array);
            throw;
        }

        ArrayPool<byte>.Shared.Return(array);
        return null;
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_array);
}
