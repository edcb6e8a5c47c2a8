using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Testing;

/// <summary>Loads one shard as a rank that resumes alone does.</summary>
public static class Loads
{
    public static async Task<LoadedShard> ShardAsync(
        ChunkStore chunks, ShardManifest shard, Func<string, string, bool> wanted, StagingBuffers buffers, int parallelism,
        CancellationToken cancel) => (await SnapshotAsync(chunks, shard, wanted, buffers, parallelism, cancel)).Own!;

    public static Task<SnapshotContent> SnapshotAsync(
        ChunkStore chunks, ShardManifest shard, Func<string, string, bool> wanted, StagingBuffers buffers, int parallelism,
        CancellationToken cancel) => SnapshotContent.LoadAsync(
        chunks, new SnapshotIndex([shard], new Rank(0)), t => wanted(t.Item, t.Name) ? TensorBox.Whole(t.Shape) : null, wanted, buffers,
        parallelism, cancel);
}
