using System.Buffers;

namespace Ciuic.Snapshots;

/// <summary>A buffer of exactly so many bytes, lent until it is disposed.</summary>
internal readonly struct RentedBytes(int length) : IDisposable
{
    private readonly byte[] _array = ArrayPool<byte>.Shared.Rent(length);

    public Memory<byte> Memory => _array.AsMemory(0, length);

    public void Dispose() => ArrayPool<byte>.Shared.Return(_array);
}
