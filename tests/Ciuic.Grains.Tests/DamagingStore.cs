using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Grains.Tests;

/// <summary>Flips a bit of every block that it takes.</summary>
internal sealed class DamagingStore(MemoryObjectStore inner) : IObjectStore
{
    public bool Damages { get; set; }

    public string Location => inner.Location;

    public Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel) => inner.GetAsync(key, cancel);

    public Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel) =>
        inner.GetRangeAsync(key, offset, buffer, cancel);

    public Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel) => inner.GetLengthAsync(key, cancel);

    public Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        inner.CreateAsync(key, Taken(key, content), cancel);

    public Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        inner.PutAsync(key, Taken(key, content), cancel);

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancel) => inner.ListAsync(prefix, cancel);

    public Task DeleteAsync(ObjectKey key, CancellationToken cancel) => inner.DeleteAsync(key, cancel);

    private byte[] Taken(ObjectKey key, ReadOnlyMemory<byte> content)
    {
        var bytes = content.ToArray();
        if (Damages && key.Path.Contains("/block/", StringComparison.Ordinal))
            bytes[bytes.Length / 2] ^= 1;
        return bytes;
    }
}
