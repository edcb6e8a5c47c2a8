using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Gateway;

/// <summary>What committed snapshots are made of, from their manifests.</summary>
internal sealed class SnapshotManifests(IObjectStore store, ICoordinator coordinator)
{
    private const int AtOnce = 8;
    private const int EventPage = 1_000;

    private readonly ManifestReader _reader = new(store);

    /// <summary>What has to be read to restore a snapshot.</summary>
    /// <param name="view">The snapshot.</param>
    /// <param name="rank">The rank whose part is wanted; null for all.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="NotFoundException">The snapshot is not committed, or has no such rank.</exception>
    public async Task<RestorePlan> PlanAsync(SnapshotView view, int? rank, CancellationToken cancel)
    {
        var (link, id) = (LinkOf(view), new SnapshotId(view.Run, view.Sequence));
        var manifest = await _reader.ReadAsync(id, link.Manifest, cancel);
        if (rank >= manifest.WorldSize)
            throw new NotFoundException($"Snapshot {id} has {manifest.WorldSize} ranks, no rank {rank}.");
        var shards = await _reader.ReadShardsAsync(manifest, cancel);
        return new RestorePlan(
            view.Sequence, link.Manifest, manifest.Step,
            [.. shards.Where(s => rank is null || s.Rank.Value == rank).Select(s => new PlannedShard(s.Rank, manifest.Shards[s.Rank.Value], s.Length, [.. ObjectsOf(s)]))]);
    }

    /// <summary>How much all committed snapshots of a run take.</summary>
    public async Task<StorageUsage> MeasureAsync(RunId run, CancellationToken cancel)
    {
        var (bytes, count, unique) = (0L, 0L, new Dictionary<string, long>());
        await foreach (var sequences in CommittedAsync(run, cancel))
        {
            foreach (var some in sequences.Chunk(AtOnce))
            {
                var plans = await Task.WhenAll(some.Select(s => PlanAsync(run, s, cancel)));
                foreach (var shard in plans.OfType<RestorePlan>().SelectMany(p => p.Shards))
                {
                    bytes += shard.Length;
                    foreach (var there in shard.Objects)
                        unique[there.Path] = there.Length;
                }

                count += plans.Count(p => p is not null);
            }
        }

        return new StorageUsage(count, bytes, unique.Count, unique.Values.Sum());
    }

    /// <summary>The link of a snapshot that is committed.</summary>
    public static SnapshotLink LinkOf(SnapshotView view) => view.Link
        ?? throw new NotFoundException($"Snapshot #{view.Sequence} of run {view.Run} is {view.State}, not committed.");

    private async Task<RestorePlan?> PlanAsync(RunId run, Sequence sequence, CancellationToken cancel) =>
        await coordinator.GetAsync(new SnapshotId(run, sequence), cancel) is { Link: not null } view ? await PlanAsync(view, null, cancel) : null;

    private async IAsyncEnumerable<Sequence[]> CommittedAsync(
        RunId run, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        for (var next = 1L; await coordinator.ReadEventsAsync(run, next, EventPage, cancel) is { Length: > 0 } page; next = page[^1].Number + 1)
            yield return [.. page.Where(e => e is { Kind: RunEventKind.Committed, Sequence: not null }).Select(e => e.Sequence!.Value)];
    }

    private static IEnumerable<ApiObject> ObjectsOf(ShardManifest shard) => shard.Chunks
        .Concat(shard.Bases ?? [])
        .Select(c => new ApiObject(BucketLayout.Chunk(c).Path, c.Length))
        .DistinctBy(o => o.Path);
}
