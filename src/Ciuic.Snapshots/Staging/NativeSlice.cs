using System.Buffers;

namespace Ciuic.Snapshots;

/// <summary>A stretch of native memory as <see cref="Memory{T}"/>; the arena owns the memory.</summary>
internal sealed unsafe class NativeSlice(byte* start, int length) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() => new(start, length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(start + elementIndex);

    public override void Unpin()
    {
        // Native memory does not move.
    }

    protected override void Dispose(bool disposing)
    {
        // The arena frees it.
    }
}
