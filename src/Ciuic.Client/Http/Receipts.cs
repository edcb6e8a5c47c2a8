using System.Collections.Concurrent;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Client;

/// <summary>
/// What a gateway has given one run for the chunks that were sent: with it a manifest may list them. Good as long as the silos' database is,
/// so that a save whose chunks are there can be committed by a later process, too.
/// </summary>
internal sealed class Receipts
{
    /// <summary>
    /// Manifests after which a receipt is let go that none of them needed: what it was for is in a committed snapshot by then, or
    /// nobody lists it any more.
    /// </summary>
    private const long Kept = 128;

    private readonly ConcurrentDictionary<string, (string Receipt, long LastUsed)> _receipts = new();
    private long _manifests;

    /// <summary>Whether there is one for an object.</summary>
    public bool Has(ObjectKey key) => _receipts.ContainsKey(key.Path);

    /// <summary>An object was sent.</summary>
    public void Add(string name, string receipt) => _receipts[name] = (receipt, Interlocked.Read(ref _manifests));

    /// <summary>Those of a shard's objects that there are receipts for, by name.</summary>
    public SortedDictionary<string, string> Of(ShardManifest shard)
    {
        var known = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in NamesOf(shard))
        {
            if (_receipts.TryGetValue(name, out var found))
                known[name] = found.Receipt;
        }

        return known;
    }

    /// <summary>Those to send with a shard's manifest: in the order of its objects, null where there is none.</summary>
    public string?[] For(ShardManifest shard) =>
        [.. NamesOf(shard).Select(name => _receipts.TryGetValue(name, out var found) ? found.Receipt : null)];

    /// <summary>A manifest was taken: what it and none of many before it needed is let go. One that is sent again and again makes nothing older.</summary>
    public void Used(ShardManifest shard)
    {
        var now = Interlocked.Increment(ref _manifests);
        foreach (var name in NamesOf(shard))
        {
            if (_receipts.TryGetValue(name, out var known))
                _receipts.TryUpdate(name, known with { LastUsed = now }, known);
        }

        foreach (var (name, (_, last)) in now % Kept == 0 ? _receipts.ToArray() : [])
        {
            if (last < now - Kept)
                _receipts.TryRemove(name, out _);
        }
    }

    private static IEnumerable<string> NamesOf(ShardManifest shard) => BucketLayout.ObjectsOf(shard).Select(o => o.Path);
}
