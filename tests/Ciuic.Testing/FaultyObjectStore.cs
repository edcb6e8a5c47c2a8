using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Testing;

/// <summary>
/// A store whose n-th write goes wrong in a chosen way. Counts writes, so that a table of faults can name each.
/// </summary>
public sealed class FaultyObjectStore(IObjectStore inner) : IObjectStore
{
    private readonly Lock _lock = new();
    private readonly List<Func<Task>> _late = [];
    private int _failAt = -1;
    private Fault _fault;

    public string Location => inner.Location;

    /// <summary>Keys of all writes so far, in order.</summary>
    public List<string> Writes { get; } = [];

    /// <summary>Keys of all objects deleted so far, in order.</summary>
    public List<string> Deletes { get; } = [];

    /// <summary>Keys of all objects read so far, in order.</summary>
    public ConcurrentQueue<string> Reads { get; } = [];

    /// <summary>Whether the armed fault has happened.</summary>
    public bool Happened { get; private set; }

    /// <summary>Which objects cannot be read; null: all can.</summary>
    public Func<ObjectKey, bool>? Unreadable { get; set; }

    /// <summary>Which objects cannot be written or asked for; null: all can.</summary>
    public Func<ObjectKey, bool>? Unwritable { get; set; }

    /// <summary>Which objects the store does not find when they are read; null: it finds all.</summary>
    public Func<ObjectKey, bool>? Hidden { get; set; }

    /// <summary>Which objects are stored with a bit flipped; null: none is.</summary>
    public Func<ObjectKey, bool>? Garbled { get; set; }

    /// <summary>Reads of these objects wait for it; null: they do not.</summary>
    public Func<ObjectKey, Task>? ReadsHeld { get; set; }

    /// <summary>Prefixes of all lists asked for so far, in order.</summary>
    public List<string> Lists { get; } = [];

    /// <summary>Lists of these prefixes wait for it; null: they do not.</summary>
    public Func<string, Task>? ListsHeld { get; set; }

    /// <summary>Writes wait for it; null: they do not.</summary>
    public Task? Held { get; set; }

    /// <summary>Makes the n-th write from now, from 0, go wrong.</summary>
    public void Arm(int write, Fault fault)
    {
        lock (_lock)
        {
            _failAt = write < 0 ? -1 : Writes.Count + write;
            _fault = fault;
            Happened = false;
        }
    }

    /// <summary>Lets writes that were held back happen now.</summary>
    public async Task LandLateWritesAsync()
    {
        foreach (var write in _late)
            await write();
        _late.Clear();
    }

    public async Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel) =>
        await FindsAsync(key) ? await inner.GetAsync(key, cancel) : null;

    public async Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel) =>
        await FindsAsync(key) ? await inner.GetRangeAsync(key, offset, buffer, cancel) : null;

    public Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel) => Unwritable?.Invoke(key) == true
        ? throw new UnavailableException($"injected: {key} cannot be asked for")
        : inner.GetLengthAsync(key, cancel);

    public Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        var copy = content.ToArray();
        if (Garbled?.Invoke(key) == true)
            copy[copy.Length / 2] ^= 1;
        return WriteAsync(key, () => inner.CreateAsync(key, copy, CancellationToken.None));
    }

    public Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        var copy = content.ToArray();
        return WriteAsync(key, async () =>
        {
            await inner.PutAsync(key, copy, CancellationToken.None);
            return CreateResult.Created;
        });
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        lock (_lock)
            Lists.Add(prefix);
        if (ListsHeld?.Invoke(prefix) is { } held)
            await held.WaitAsync(cancel);
        await foreach (var found in inner.ListAsync(prefix, cancel))
            yield return found;
    }

    public Task DeleteAsync(ObjectKey key, CancellationToken cancel)
    {
        lock (_lock)
            Deletes.Add(key.Path);
        return inner.DeleteAsync(key, cancel);
    }

    private async Task<bool> FindsAsync(ObjectKey key)
    {
        lock (_lock)
            Reads.Enqueue(key.Path);
        if (ReadsHeld is { } held)
            await held(key);
        return Unreadable?.Invoke(key) == true
            ? throw new UnavailableException($"injected: {key} cannot be read")
            : Hidden?.Invoke(key) != true;
    }

    private async Task<CreateResult> WriteAsync(ObjectKey key, Func<Task<CreateResult>> write)
    {
        bool fails;
        lock (_lock)
        {
            fails = Writes.Count == _failAt;
            Writes.Add(key.Path);
            Happened |= fails;
        }

        if (Unwritable?.Invoke(key) == true)
            throw new UnavailableException($"injected: {key} cannot be written");
        if (Held is { } held)
            await held;
        if (!fails)
            return await write();
        if (_fault == Fault.FailsAfter)
            await write();
        if (_fault == Fault.LandsLate)
            _late.Add(write);
        throw new UnavailableException($"injected: write of {key} {_fault}");
    }
}
