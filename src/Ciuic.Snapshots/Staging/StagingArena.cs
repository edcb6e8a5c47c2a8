using System.Runtime.InteropServices;
using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// The one buffer a shard is copied into: native memory, touched once when it grows and reused for every save,
/// because a copy into untouched memory is ten times slower. May be larger than 2 GiB.
/// </summary>
public sealed unsafe class StagingArena(long maxBytes) : IDisposable
{
    private const nuint PageSize = 4096;

    private byte* _start;

    /// <summary>Bytes it holds without growing.</summary>
    public long Capacity { get; private set; }

    /// <summary>Makes room; the content is lost if it grows.</summary>
    /// <exception cref="InvalidInputException">More than the configured maximum is needed.</exception>
    public void Reserve(long bytes)
    {
        if (bytes > maxBytes)
        {
            throw new InvalidInputException(
                $"The tracked state has {bytes} bytes, staging may take {maxBytes}: raise Ciuic:Save:MaxStagingBytes.");
        }

        if (bytes <= Capacity)
            return;
        Free();
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, PageSize);
        Capacity = bytes;
        Touch();
    }

    /// <summary>A stretch as memory, at most 2 GiB. Valid until the arena grows or is disposed.</summary>
    public Memory<byte> Slice(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + length, Capacity);
        return new NativeSlice(_start + offset, length).Memory;
    }

    /// <summary>Gives the memory back; it can be reserved again.</summary>
    public void Release() => Free();

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Touch()
    {
        for (long at = 0; at < Capacity; at += (long)PageSize)
            _start[at] = 0;
    }

    private void Free()
    {
        if (_start != null)
            NativeMemory.AlignedFree(_start);
        _start = null;
        Capacity = 0;
    }

    /// <summary>Frees the memory of an arena that nobody disposed.</summary>
    ~StagingArena() => Free();
}
