using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Client;

/// <summary>
/// A save whose chunks are in the bucket: small, independent of the staging buffer, able to wait for a silo.
/// </summary>
internal sealed record UploadedSave(
    SaveHandle Handle,
    SnapshotPlan Plan,
    IReadOnlyList<TensorRecord> Tensors,
    IReadOnlyList<ByteRecord> Bytes,
    RankFingerprints? Ranks,
    IReadOnlyList<ChunkRecord> Chunks,
    IReadOnlyList<ChunkRecord>? Bases,
    IReadOnlyDictionary<string, int> ItemVersions)
{
    /// <summary>Whether it comes from this machine's spool, and stays there until it is committed.</summary>
    public bool IsKept { get; init; }

    public ShardManifest Manifest(SnapshotId snapshot, Rank rank) => new()
    {
        Format = ShardManifest.CurrentFormat,
        Run = snapshot.Run,
        Sequence = snapshot.Sequence,
        Rank = rank,
        Tensors = Tensors,
        Bytes = Bytes,
        Chunks = Chunks,
        Bases = Bases,
        Replicated = Ranks?.Replicated,
        Own = Ranks?.Own,
        Fingerprints = Ranks?.Bytes,
    };
}
