using System.Collections.Concurrent;
using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Lends buffers for frames and plain bytes, and keeps what comes back: memory of this size that nobody has touched yet costs
/// more than reading into it. It holds as many as were ever lent at once. Thread-safe.
/// </summary>
internal sealed class BufferPool
{
    private readonly ConcurrentBag<PageBuffer> _free = [];

    /// <summary>Lends a buffer of at least so many bytes until the loan is disposed.</summary>
    public Loan Take(int bytes)
    {
        var buffer = _free.TryTake(out var free) ? free : new PageBuffer();
        buffer.Reserve(bytes);
        return new Loan(this, buffer, bytes);
    }

    /// <summary>A buffer, lent.</summary>
    public readonly struct Loan(BufferPool pool, PageBuffer buffer, int bytes) : IDisposable
    {
        public PageBuffer Buffer => buffer;

        /// <summary>As many bytes as were asked for.</summary>
        public Memory<byte> Memory => buffer.Memory[..bytes];

        public void Dispose() => pool._free.Add(buffer);
    }
}
