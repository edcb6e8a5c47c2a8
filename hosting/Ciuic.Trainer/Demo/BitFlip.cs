using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Trainer;

/// <summary>Damages the newest snapshot as a failing disk would: one bit of one chunk.</summary>
internal static class BitFlip
{
    /// <summary>Flips a bit in a chunk of the newest snapshot that the one before does not share.</summary>
    /// <returns>The snapshot, its step, and the chunk.</returns>
    public static async Task<(SnapshotId Snapshot, long Step, ChunkId Chunk)> ApplyAsync(
        DemoPlace place, RunId run, CancellationToken cancel)
    {
        var store = StoreUri.Open(place.StoreUri);
        var history = await BucketHistory.ReadAsync(new LedgerBucket(store, "main"), run, [], null, cancel)
            ?? throw new NotFoundException($"The bucket knows no run {run}.");
        var chain = history.Chain().Take(2).ToList();
        var newest = await ChunksAsync(store, run, chain[0], cancel);
        var before = await ChunksAsync(store, run, chain[1], cancel);
        var chunk = newest.Except(before).First();
        await FlipAsync(Path.Combine(place.StorePath, BucketLayout.Chunk(chunk).Path), cancel);
        return (new SnapshotId(run, chain[0].Link.Sequence), chain[0].Step, chunk.Id);
    }

    private static async Task FlipAsync(string file, CancellationToken cancel)
    {
        var bytes = await File.ReadAllBytesAsync(file, cancel);
        bytes[bytes.Length / 2] ^= 0x10;
        await File.WriteAllBytesAsync(file, bytes, cancel);
    }

    private static async Task<List<ChunkRecord>> ChunksAsync(
        IObjectStore store, RunId run, CommittedSnapshot snapshot, CancellationToken cancel)
    {
        var reader = new ManifestReader(store);
        var manifest = await reader.ReadAsync(
            new SnapshotId(run, snapshot.Link.Sequence), snapshot.Link.Manifest, cancel);
        var shards = await reader.ReadShardsAsync(manifest, cancel);
        return shards.SelectMany(s => s.Chunks).ToList();
    }
}
