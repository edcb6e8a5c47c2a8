namespace Ciuic.Snapshots;

/// <summary>
/// Asks for blocks before they are needed, because one answer after the other makes a long ledger slow to read. It asks ahead
/// only for blocks that somebody says are there.
/// </summary>
/// <param name="bucket">The ledger.</param>
/// <param name="from">The first block.</param>
/// <param name="expected">Number of blocks of the ledger that are known to be there.</param>
internal sealed class BlocksAhead(LedgerBucket bucket, long from, long expected)
{
    /// <summary>Blocks asked for at once: of at most 64 kB each, so 1 MB.</summary>
    private const int Width = 16;

    private readonly Queue<Task<byte[]?>> _asked = [];
    private long _next = from;

    /// <summary>The next block's own object, or null where there is none.</summary>
    public Task<byte[]?> TakeAsync(CancellationToken cancel)
    {
        while (_asked.Count == 0 || (_asked.Count < Width && _next < expected))
            _asked.Enqueue(bucket.GetBlockAsync(_next++, cancel));
        return _asked.Dequeue();
    }
}
