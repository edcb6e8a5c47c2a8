using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Client;

/// <summary>The manifests of a snapshot, whoever has saved it.</summary>
internal static class SnapshotShards
{
    /// <param name="manifests">Reads them.</param>
    /// <param name="run">The run.</param>
    /// <param name="link">Which snapshot of it.</param>
    /// <param name="reader">The rank that reads; null for somebody who is none.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="CorruptException">A manifest is missing or damaged, or the shards do not fit together.</exception>
    public static async Task<(Manifest Manifest, SnapshotIndex Index)> ReadAsync(
        ManifestReader manifests, RunId run, SnapshotLink link, Rank? reader, CancellationToken cancel)
    {
        var manifest = await manifests.ReadAsync(new SnapshotId(run, link.Sequence), link.Manifest, cancel);
        var shards = await manifests.ReadShardsAsync(manifest, cancel);
        return ShardSetRules.FindComplaint(shards) is { } complaint
            ? throw new CorruptException($"the shards of {manifest.Id} do not fit together: {complaint}")
            : (manifest, new SnapshotIndex(shards, reader));
    }
}
