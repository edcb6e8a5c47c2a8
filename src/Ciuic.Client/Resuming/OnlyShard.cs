using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Client;

/// <summary>The manifests of a snapshot that one rank has saved.</summary>
internal static class OnlyShard
{
    private static readonly Rank First = new(0);

    /// <exception cref="CorruptException">A manifest is missing or damaged.</exception>
    /// <exception cref="InvalidInputException">Several ranks have saved it.</exception>
    public static async Task<(Manifest Manifest, ShardManifest Shard)> ReadAsync(
        ManifestReader reader, RunId run, SnapshotLink link, CancellationToken cancel)
    {
        var manifest = await reader.ReadAsync(new SnapshotId(run, link.Sequence), link.Manifest, cancel);
        if (manifest.WorldSize != 1)
        {
            throw new InvalidInputException(
                $"Snapshot #{link.Sequence} was saved by {manifest.WorldSize} ranks; this client reads one.");
        }

        return (manifest, await reader.ReadShardAsync(manifest.Id, First, manifest.Shards[0], cancel));
    }
}
