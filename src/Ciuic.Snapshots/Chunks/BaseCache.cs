using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// Plain bytes of chunks that were read and checked a moment ago: the next snapshot's chunks are likely to be differences to
/// them, and are read without decoding their whole chains again. It saves decoding, not looking: whoever uses it asks the store
/// whether what he skips is still there. A chunk takes the place of the one it is the difference to; a
/// full cache takes in others only when something in it was not asked for in a while, because a state that is larger than the
/// cache would otherwise drive out each chunk just before it is needed. Thread-safe.
/// </summary>
/// <param name="maxBytes">Bytes kept at most; 0 keeps none.</param>
/// <param name="time">The clock.</param>
public sealed class BaseCache(long maxBytes, TimeProvider time)
{
    private static readonly TimeSpan Stale = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<ChunkId, Entry> _entries = [];
    private long _bytes;

    /// <summary>The plain bytes of a chunk, or null. They must not be changed.</summary>
    public byte[]? Find(ChunkId id)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(id, out var entry))
                return null;
            _entries[id] = entry with { UsedAt = time.GetTimestamp() };
            return entry.Plain;
        }
    }

    /// <summary>Length that an object had when a chunk was read from it and kept; null where that is not known.</summary>
    public long? LengthOf(ChunkId id, ObjectKey stored)
    {
        lock (_lock)
            return _entries.TryGetValue(id, out var entry) && entry.Stored == stored ? entry.StoredLength : null;
    }

    /// <summary>Keeps a copy of a chunk's bytes, which were checked, in place of its base's.</summary>
    /// <param name="id">The chunk.</param>
    /// <param name="plain">Its bytes.</param>
    /// <param name="basis">What it was the difference to; null where it was stored whole.</param>
    /// <param name="stored">The object it was read from.</param>
    /// <param name="storedLength">That object's length.</param>
    public void Put(ChunkId id, ReadOnlySpan<byte> plain, ChunkId? basis, ObjectKey stored, long storedLength)
    {
        lock (_lock)
        {
            if (_entries.ContainsKey(id) || !MakeRoom(plain.Length, basis))
                return;
        }

        var copy = plain.ToArray(); // not within the lock: megabytes, and all who read wait
        lock (_lock)
        {
            if (_bytes + copy.Length <= maxBytes && _entries.TryAdd(id, new Entry(copy, time.GetTimestamp(), stored, storedLength)))
                _bytes += copy.Length;
        }
    }

    private bool MakeRoom(int length, ChunkId? basis)
    {
        if (basis is { } replaced)
            Remove(replaced);
        if (_bytes + length > maxBytes)
            RemoveStale();
        return _bytes + length <= maxBytes;
    }

    private void RemoveStale()
    {
        foreach (var id in _entries.Where(e => time.GetElapsedTime(e.Value.UsedAt) > Stale).Select(e => e.Key).ToList())
            Remove(id);
    }

    private void Remove(ChunkId id)
    {
        if (_entries.Remove(id, out var entry))
            _bytes -= entry.Plain.Length;
    }

    private readonly record struct Entry(byte[] Plain, long UsedAt, ObjectKey Stored, long StoredLength);
}
