using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ciuic.Core;

/// <summary>
/// A buffer that grows, begins at a page of memory and stays where it is: a store can hand it to the disk as it is.
/// </summary>
public sealed class PageBuffer
{
    private const int PageBytes = 4_096;

    private byte[] _array = [];
    private int _start;

    /// <summary>Bytes it holds.</summary>
    public int Length => _array.Length == 0 ? 0 : _array.Length - PageBytes;

    /// <summary>All of it.</summary>
    public Span<byte> Span => _array.AsSpan(_start, Length);

    /// <summary>All of it.</summary>
    public Memory<byte> Memory => _array.AsMemory(_start, Length);

    /// <summary>Makes room; the content is lost if it grows.</summary>
    /// <param name="bytes">Bytes that it must hold.</param>
    public void Reserve(int bytes)
    {
        if (Length >= bytes)
            return;
        _array = GC.AllocateUninitializedArray<byte>(bytes + PageBytes, pinned: true);
        _start = (int)(-Address(_array) & (PageBytes - 1));
    }

    private static unsafe nint Address(byte[] pinned) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));
}
