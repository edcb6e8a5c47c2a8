using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Gateway;

/// <summary>What committed snapshots are made of, from their manifests.</summary>
internal sealed class SnapshotManifests(IObjectStore store, ICoordinator coordinator)
{
    private const int MaxObjects = 2_000_000;
    private const int PageSize = 1_000;

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
        var shards = rank is { } one
            ? [await _reader.ReadShardAsync(id, new Rank(one), manifest.Shards[one], cancel)]
            : await _reader.ReadShardsAsync(manifest, cancel);
        return new RestorePlan(
            view.Sequence, link.Manifest, manifest.Step,
            [.. shards.Select(s => new PlannedShard(s.Rank, manifest.Shards[s.Rank.Value], s.Length, [.. ObjectsOf(s)]))]);
    }

    /// <summary>How much all committed snapshots of a run take.</summary>
    /// <exception cref="InvalidInputException">There are too many objects to tell them apart in memory.</exception>
    public async Task<StorageUsage> MeasureAsync(RunId run, CancellationToken cancel)
    {
        var (snapshots, bytes, uniqueBytes, seen) = (0L, 0L, 0L, new HashSet<UInt128>());
        await foreach (var view in CommittedAsync(run, cancel))
        {
            var plan = await PlanAsync(view, null, cancel);
            snapshots++;
            bytes += plan.Shards.Sum(s => s.Length);
            uniqueBytes += plan.Shards.SelectMany(s => s.Objects).Where(o => seen.Add(PrintOf(o.Path))).Sum(o => o.Length);
            if (seen.Count > MaxObjects)
                throw new InvalidInputException($"Run {run} has more than {MaxObjects} objects: too many to be told apart here.");
        }

        return new StorageUsage(snapshots, bytes, seen.Count, uniqueBytes);
    }

    /// <summary>Half of a hash: names are hashes themselves, of one or several chunks.</summary>
    private static UInt128 PrintOf(string path) => BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(path)));

    /// <summary>The link of a snapshot that is committed.</summary>
    public static SnapshotLink LinkOf(SnapshotView view) => view.Link
        ?? throw new NotFoundException($"Snapshot #{view.Sequence} of run {view.Run} is {view.State}, not committed.");

    private async IAsyncEnumerable<SnapshotView> CommittedAsync(
        RunId run, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        for (var from = long.MaxValue; from > 0;)
        {
            var page = await coordinator.ListSnapshotsAsync(run, from, PageSize, cancel);
            foreach (var view in page.Snapshots.Where(s => s.Link is not null))
                yield return view;
            from = page.Next;
        }
    }

    private static IEnumerable<ApiObject> ObjectsOf(ShardManifest shard) => shard.Chunks
        .Concat(shard.Bases ?? [])
        .Select(c => new ApiObject(BucketLayout.Chunk(c).Path, c.Length))
        .DistinctBy(o => o.Path);
}
