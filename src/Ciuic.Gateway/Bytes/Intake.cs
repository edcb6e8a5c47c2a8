using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Gateway;

/// <summary>Takes in what trainers send that cannot write to the bucket themselves.</summary>
internal sealed class Intake(IObjectStore store, ChunkStore chunks, ShardShelf shelf, ICoordinator coordinator, KeyRing keys)
{
    /// <summary>
    /// Stores a whole chunk, once its bytes are found to be those that its name says. One that is there already is left alone, or
    /// replaced where it is damaged.
    /// </summary>
    /// <returns>The receipt, with which the run may list the chunk.</returns>
    /// <exception cref="InvalidInputException">The name is none of a whole chunk, or the bytes are others.</exception>
    public async Task<(ChunkStored Outcome, byte[] Receipt)> StoreChunkAsync(
        RunId run, string key, ReadOnlyMemory<byte> frame, CancellationToken cancel)
    {
        var id = ChunkOf(key);
        try
        {
            var stored = await chunks.TakeInAsync(id, frame, cancel);
            return (stored.How, Receipt.Write(await keys.ReceiptSecretAsync(), run, key));
        }
        catch (CorruptException error)
        {
            throw new InvalidInputException($"{error.Message}; nothing was stored.", error);
        }
    }

    /// <summary>Stores a shard manifest, once every object that it lists is one that was sent for this run, or is in the snapshot before.</summary>
    /// <exception cref="InvalidInputException">It is no manifest of this shard, or lists what nobody has sent.</exception>
    /// <exception cref="ConflictException">There is another one.</exception>
    public async Task<ShardDigest> StoreShardAsync(SnapshotId id, Rank rank, ShardUploadRequest upload, CancellationToken cancel)
    {
        var shard = ManifestCodec.DecodeShard(upload.Manifest);
        if (shard.Run != id.Run || shard.Sequence != id.Sequence || shard.Rank != rank)
            throw new InvalidInputException($"This is the manifest of rank {shard.Rank} of {shard.Run}#{shard.Sequence}, not of rank {rank} of {id}.");
        var view = await RequirePendingAsync(id, cancel);
        await RequireSentAsync(shard, upload.Receipts, view.Order.Parent, cancel);
        await CreateAsync(BucketLayout.Shard(id, rank), upload.Manifest, cancel);
        return ShardDigest.Of(upload.Manifest);
    }

    /// <summary>Stores the signature under a shard; whether it is right is checked with the shard.</summary>
    /// <exception cref="ConflictException">There is another one, or the snapshot takes none.</exception>
    public async Task StoreSignatureAsync(SnapshotId id, Rank rank, ReadOnlyMemory<byte> signature, CancellationToken cancel)
    {
        await RequirePendingAsync(id, cancel);
        await CreateAsync(BucketLayout.ShardSignature(id, rank), signature, cancel);
    }

    private static ChunkId ChunkOf(string key)
    {
        var hex = key.Split('/')[^1];
        if (ChunkId.TryParse(hex, null, out var id) && BucketLayout.Chunk(id).Path == key)
            return id;
        throw new InvalidInputException(
            $"'{key}' is no whole chunk. Differences are not taken here: their bytes could not be checked before they are stored.");
    }

    /// <summary>Objects of a snapshot that was never begun would look as if the database had been lost.</summary>
    private async Task<SnapshotView> RequirePendingAsync(SnapshotId id, CancellationToken cancel)
    {
        var view = await coordinator.GetAsync(id, cancel);
        return view is { State: SnapshotState.Pending }
            ? view
            : throw new ConflictException($"Snapshot {id} is {view?.State.ToString() ?? "not begun"}: it takes no shard.");
    }

    private async Task RequireSentAsync(ShardManifest shard, string?[] receipts, SnapshotLink? parent, CancellationToken cancel)
    {
        var names = BucketLayout.ObjectsOf(shard).Select(o => o.Path).ToList();
        if (receipts.Length != names.Count)
            throw new InvalidInputException($"The manifest lists {names.Count} objects, and there are {receipts.Length} receipts.");
        var secret = await keys.ReceiptSecretAsync();
        var open = names.Where((name, i) => !IsReceipt(receipts[i], secret, shard.Run, name)).ToList();
        if (open.Count == 0)
            return;
        var before = parent is null
            ? new HashSet<string>()
            : await shelf.ObjectsOfAsync(new SnapshotId(shard.Run, parent.Sequence), cancel);
        if (open.FirstOrDefault(name => !before.Contains(name)) is { } unknown)
            throw new InvalidInputException($"{unknown} was not sent for run {shard.Run} and is not in the snapshot before: send it.");
    }

    private static bool IsReceipt(string? receipt, byte[] secret, RunId run, string name) =>
        receipt is not null && StrictBase64.TryDecode(receipt, out var bytes) && Receipt.IsFor(bytes, secret, run, name);

    private async Task CreateAsync(ObjectKey key, ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        if (await store.CreateAsync(key, bytes, cancel) == CreateResult.Created)
            return;
        // After a lost answer, our own: the same bytes every time.
        var there = await store.GetAsync(key, cancel);
        if (!there.AsSpan().SequenceEqual(bytes.Span))
            throw new ConflictException($"{key} exists with other bytes: somebody else writes as this rank.");
    }
}
