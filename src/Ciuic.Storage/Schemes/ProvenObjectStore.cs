using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>
/// A store of which it is made sure, before the first write, that it keeps the promises of <see cref="IObjectStore"/>. The proof
/// writes; reading needs none, so whoever only reads does so from a bucket that is full, or that it may not write to.
/// </summary>
public sealed class ProvenObjectStore : IObjectStore, IDisposable
{
    private readonly IObjectStore _inner;
    private readonly Func<CancellationToken, Task> _prove;
    private readonly Lock _lock = new();
    private Task? _proof;

    /// <param name="inner">The store; disposed of with this one.</param>
    /// <param name="prove">
    /// Returns when the store has shown that it is fit to be written to: <see cref="InvalidInputException"/> where it never will be,
    /// <see cref="UnavailableException"/> where it takes nothing now.
    /// </param>
    public ProvenObjectStore(IObjectStore inner, Func<CancellationToken, Task> prove) => (_inner, _prove) = (inner, prove);

    /// <inheritdoc/>
    public string Location => _inner.Location;

    /// <summary>Makes sure now, where the store asks for it, instead of before the first write.</summary>
    /// <exception cref="InvalidInputException">The store is not fit for use.</exception>
    /// <exception cref="UnavailableException">It takes nothing now: it is full, read-only, or does not answer.</exception>
    public static Task ProveAsync(IObjectStore store, CancellationToken cancel) =>
        store is ProvenObjectStore proven ? proven.ProveAsync(cancel) : Task.CompletedTask;

    /// <inheritdoc/>
    public Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel) => _inner.GetAsync(key, cancel);

    /// <inheritdoc/>
    public Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel) =>
        _inner.GetRangeAsync(key, offset, buffer, cancel);

    /// <inheritdoc/>
    public Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel) => _inner.GetLengthAsync(key, cancel);

    /// <inheritdoc/>
    public async Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        await ProveAsync(cancel);
        return await _inner.CreateAsync(key, content, cancel);
    }

    /// <inheritdoc/>
    public async Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        await ProveAsync(cancel);
        await _inner.PutAsync(key, content, cancel);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancel) => _inner.ListAsync(prefix, cancel);

    /// <inheritdoc/>
    public Task DeleteAsync(ObjectKey key, CancellationToken cancel) => _inner.DeleteAsync(key, cancel);

    /// <inheritdoc/>
    public void Dispose() => (_inner as IDisposable)?.Dispose();

    /// <summary>All that want to write wait for one proof: a store that hangs is waited for once, however many they are.</summary>
    private Task ProveAsync(CancellationToken cancel)
    {
        lock (_lock)
        {
            if (_proof is null or { IsFaulted: true } or { IsCanceled: true })
                _proof = _prove(CancellationToken.None); // one that gives up must not end the proof of others
            return _proof.WaitAsync(cancel);
        }
    }
}
