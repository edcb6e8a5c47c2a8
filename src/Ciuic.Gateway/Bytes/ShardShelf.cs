using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.Caching.Memory;

namespace Ciuic.Gateway;

/// <summary>Which objects the committed snapshots of runs are made of. What was read once is kept: it cannot change.</summary>
internal sealed class ShardShelf(IObjectStore store, ICoordinator coordinator) : IDisposable
{
    /// <summary>Names kept; each is about 150 bytes.</summary>
    private const int MaxNames = 500_000;

    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = MaxNames });
    private readonly ManifestReader _reader = new(store);

    /// <summary>The objects that one rank's shard of a committed snapshot is made of.</summary>
    /// <exception cref="NotFoundException">There is no such committed snapshot, or no such rank in it.</exception>
    /// <exception cref="CorruptException">Its manifest is damaged.</exception>
    public async Task<IReadOnlySet<string>> ObjectsOfAsync(SnapshotId id, Rank rank, CancellationToken cancel)
    {
        if (_cache.TryGetValue<HashSet<string>>((id, rank), out var known))
            return known!;
        var manifest = await ManifestAsync(id, cancel);
        if (rank.Value >= manifest.WorldSize)
            throw new NotFoundException($"Snapshot #{id.Sequence} of run {id.Run} has {manifest.WorldSize} ranks, no rank {rank}.");
        var shard = await _reader.ReadShardAsync(id, rank, manifest.Shards[rank.Value], cancel);
        var names = BucketLayout.ObjectsOf(shard).Select(o => o.Path).ToHashSet();
        return _cache.Set((id, rank), names, new MemoryCacheEntryOptions { Size = names.Count + 1 });
    }

    /// <summary>Whether a snapshot is committed. That it is is kept: it stays so.</summary>
    public async Task<bool> IsCommittedAsync(SnapshotId id, CancellationToken cancel)
    {
        if (_cache.TryGetValue(id, out _) || _cache.TryGetValue((id, "committed"), out _))
            return true;
        if ((await coordinator.GetAsync(id, cancel))?.Link is null)
            return false;
        _cache.Set((id, "committed"), true, new MemoryCacheEntryOptions { Size = 1 });
        return true;
    }

    /// <summary>The objects that all ranks' shards of a committed snapshot are made of.</summary>
    public async Task<IReadOnlySet<string>> ObjectsOfAsync(SnapshotId id, CancellationToken cancel)
    {
        var all = new HashSet<string>();
        var manifest = await ManifestAsync(id, cancel);
        for (var rank = 0; rank < manifest.WorldSize; rank++)
            all.UnionWith(await ObjectsOfAsync(id, new Rank(rank), cancel));
        return all;
    }

    public void Dispose() => _cache.Dispose();

    private async Task<Manifest> ManifestAsync(SnapshotId id, CancellationToken cancel)
    {
        if (_cache.TryGetValue<Manifest>(id, out var known))
            return known!;
        var view = await coordinator.GetAsync(id, cancel);
        if (view?.Link is not { } link)
            throw new NotFoundException($"Run {id.Run} has no committed snapshot #{id.Sequence}.");
        var manifest = await _reader.ReadAsync(id, link.Manifest, cancel);
        return _cache.Set(id, manifest, new MemoryCacheEntryOptions { Size = manifest.WorldSize + 1 });
    }
}
