using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Ciuic.Storage;

/// <summary>A bucket in this process's memory, for tests and trials. Durable as long as the process lives.</summary>
public sealed class MemoryObjectStore : IObjectStore
{
    private readonly ConcurrentDictionary<string, byte[]> _objects = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public string Location => "memory:";

    /// <inheritdoc/>
    public Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        return Task.FromResult(_objects.TryGetValue(key.Path, out var content) ? content.ToArray() : null);
    }

    /// <inheritdoc/>
    public Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (!_objects.TryGetValue(key.Path, out var content))
            return Task.FromResult<int?>(null);
        var rest = offset >= content.Length ? [] : content.AsSpan((int)offset);
        rest = rest[..Math.Min(rest.Length, buffer.Length)];
        rest.CopyTo(buffer.Span);
        return Task.FromResult<int?>(rest.Length);
    }

    /// <inheritdoc/>
    public Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        return Task.FromResult(_objects.TryGetValue(key.Path, out var content) ? (long?)content.Length : null);
    }

    /// <inheritdoc/>
    public Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var created = _objects.TryAdd(key.Path, content.ToArray());
        return Task.FromResult(created ? CreateResult.Created : CreateResult.AlreadyExists);
    }

    /// <inheritdoc/>
    public Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        _objects[key.Path] = content.ToArray();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var (path, content) in _objects)
        {
            cancel.ThrowIfCancellationRequested();
            if (path.StartsWith(prefix, StringComparison.Ordinal))
                yield return new ObjectInfo(new ObjectKey(path), content.Length);
        }

        await Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task DeleteAsync(ObjectKey key, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        _objects.TryRemove(key.Path, out _);
        return Task.CompletedTask;
    }
}
