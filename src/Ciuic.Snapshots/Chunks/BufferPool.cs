using System.Collections.Concurrent;
using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Lends buffers for frames and plain bytes, and keeps what comes back, up to a limit: memory of this size that nobody has touched
/// yet costs more than reading into it. Thread-safe.
/// </summary>
public sealed class BufferPool
{
    /// <summary>What is kept at most: enough for all chunks on their way in a trainer; a busy silo lends more for a while.</summary>
    private const long MaxKeptBytes = 192L << 20;

    private readonly ConcurrentBag<PageBuffer> _free = [];
    private long _kept;

    /// <summary>Lends a buffer of at least so many bytes until the loan is disposed.</summary>
    public Loan Take(int bytes)
    {
        if (_free.TryTake(out var buffer))
            Interlocked.Add(ref _kept, -buffer.Length);
        buffer ??= new PageBuffer();
        buffer.Reserve(bytes);
        return new Loan(this, buffer, bytes);
    }

    private void Return(PageBuffer buffer)
    {
        if (Interlocked.Add(ref _kept, buffer.Length) <= MaxKeptBytes)
            _free.Add(buffer);
        else
            Interlocked.Add(ref _kept, -buffer.Length); // the collector has it
    }

    /// <summary>A buffer, lent.</summary>
    public readonly struct Loan(BufferPool pool, PageBuffer buffer, int bytes) : IDisposable
    {
        /// <summary>What is lent.</summary>
        public PageBuffer Buffer => buffer;

        /// <summary>As many bytes as were asked for.</summary>
        public Memory<byte> Memory => buffer.Memory[..bytes];

        /// <summary>Gives it back.</summary>
        public void Dispose() => pool.Return(buffer);
    }
}
