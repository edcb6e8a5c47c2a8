using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Plain bytes of chunks that were read and checked a moment ago: the next snapshot's chunks are likely to be differences to
/// them, and are read without walking their whole chains again. A chunk takes the place of the one it is the difference to; a
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

    /// <summary>Keeps a copy of a chunk's bytes, which were checked, in place of its base's.</summary>
    public void Put(ChunkId id, ReadOnlySpan<byte> plain, ChunkId? basis)
    {
        lock (_lock)
        {
            if (_entries.ContainsKey(id))
                return;
            if (basis is { } replaced)
                Remove(replaced);
            if (_bytes + plain.Length > maxBytes)
                RemoveStale();
            if (_bytes + plain.Length > maxBytes)
                return;
            _entries[id] = new Entry(plain.ToArray(), time.GetTimestamp());
            _bytes += plain.Length;
        }
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

    private readonly record struct Entry(byte[] Plain, long UsedAt);
}
