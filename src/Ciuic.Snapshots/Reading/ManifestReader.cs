using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>Reads manifests from a bucket; what it returns has the digest that was asked for.</summary>
public sealed class ManifestReader(IObjectStore store)
{
    /// <summary>Shard manifests on their way at once: thousands of ranks one after the other would take a minute.</summary>
    private const int ReadAtOnce = 8;

    /// <summary>The root manifest of a snapshot.</summary>
    /// <exception cref="CorruptException">It is missing, damaged, or of another snapshot.</exception>
    public async Task<Manifest> ReadAsync(SnapshotId id, ManifestDigest digest, CancellationToken cancel)
    {
        var key = BucketLayout.Manifest(id);
        var bytes = await GetAsync(key, digest.Digest, $"the manifest of {id}", cancel);
        var manifest = Parse(key, () => ManifestCodec.DecodeManifest(bytes));
        return manifest.Id == id
            ? manifest
            : throw new CorruptException($"{key} holds the manifest of {manifest.Id}");
    }

    /// <summary>One rank's shard manifest.</summary>
    /// <exception cref="CorruptException">It is missing, damaged, or of another snapshot or rank.</exception>
    public async Task<ShardManifest> ReadShardAsync(
        SnapshotId id, Rank rank, ShardDigest digest, CancellationToken cancel)
    {
        var key = BucketLayout.Shard(id, rank);
        var bytes = await GetAsync(key, digest.Digest, $"the shard manifest of rank {rank} of {id}", cancel);
        var shard = Parse(key, () => ManifestCodec.DecodeShard(bytes));
        return shard.Run == id.Run && shard.Sequence == id.Sequence && shard.Rank == rank
            ? shard
            : throw new CorruptException($"{key} holds rank {shard.Rank} of {shard.Run}#{shard.Sequence}");
    }

    /// <summary>All shard manifests of a snapshot, by rank.</summary>
    /// <exception cref="CorruptException">One is missing or damaged.</exception>
    public async Task<List<ShardManifest>> ReadShardsAsync(Manifest manifest, CancellationToken cancel)
    {
        var shards = new List<ShardManifest>();
        foreach (var some in Enumerable.Range(0, manifest.WorldSize).Chunk(ReadAtOnce))
            shards.AddRange(await Task.WhenAll(some.Select(r => ReadShardAsync(manifest.Id, new Rank(r), manifest.Shards[r], cancel))));
        return shards;
    }

    /// <summary>Checks that the run's key, where the manifest names one, has signed every shard.</summary>
    /// <exception cref="CorruptException">A signature is missing or wrong.</exception>
    public async Task CheckSignaturesAsync(Manifest manifest, CancellationToken cancel)
    {
        if (manifest.Signer is not { } signer)
            return;
        foreach (var some in Enumerable.Range(0, manifest.WorldSize).Chunk(ReadAtOnce))
            await Task.WhenAll(some.Select(r => CheckSignatureAsync(manifest, new Rank(r), signer, cancel)));
    }

    private async Task CheckSignatureAsync(Manifest manifest, Rank rank, VerifierKey signer, CancellationToken cancel)
    {
        var key = BucketLayout.ShardSignature(manifest.Id, rank);
        var signature = await store.GetAsync(key, cancel)
            ?? throw new CorruptException($"the trainer's signature of rank {rank} of {manifest.Id} is missing ({key})");
        ShardSignature.Verify(signature, manifest.Id, rank, manifest.Step, manifest.Shards[rank.Value], signer);
    }

    private async Task<byte[]> GetAsync(ObjectKey key, Digest digest, string what, CancellationToken cancel)
    {
        var bytes = await store.GetAsync(key, cancel)
            ?? throw new CorruptException($"{what} is missing ({key})");
        return Digest.Of(bytes) == digest
            ? bytes
            : throw new CorruptException($"{what} is damaged: {key} has another SHA-256 than {digest}");
    }

    private static T Parse<T>(ObjectKey key, Func<T> parse)
    {
        try
        {
            return parse();
        }
        catch (InvalidInputException error)
        {
            throw new CorruptException($"{key}: {error.Message}", error);
        }
    }
}
