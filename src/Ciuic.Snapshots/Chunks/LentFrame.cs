using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>A chunk's stored bytes in a buffer that is lent.</summary>
internal sealed class LentFrame : IDisposable
{
    private readonly BufferPool.Loan _loan;

    private LentFrame(BufferPool.Loan loan, int length) => (_loan, Length) = (loan, length);

    public int Length { get; }

    public ReadOnlySpan<byte> Span => _loan.Memory.Span[..Length];

    /// <summary>Reads a chunk of so many plain bytes; null where there is none. What is longer than any frame of it is cut off.</summary>
    public static async Task<LentFrame?> TryReadAsync(
        IObjectStore store, BufferPool buffers, ObjectKey key, int plainLength, CancellationToken cancel)
    {
        // A byte more than a frame may have: one that is too long is refused by its decoder, not taken for a shorter one.
        var loan = buffers.Take(ChunkFrame.MaxLength(plainLength) + 1);
        int? length = null;
        try
        {
            length = await store.GetRangeAsync(key, 0, loan.Memory, cancel);
        }
        finally
        {
            if (length is null)
                loan.Dispose();
        }

        return length is { } read ? new LentFrame(loan, read) : null;
    }

    public void Dispose() => _loan.Dispose();
}
