using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>The objects of one ledger in a bucket: reads and checks them, decides nothing.</summary>
public sealed class LedgerBucket(IObjectStore store, string name)
{
    /// <summary>The ledger's name: a folder of the bucket.</summary>
    public string Name => name;

    /// <summary>The bucket.</summary>
    public IObjectStore Store => store;

    /// <summary>The bytes of a block, or null where there is none (yet).</summary>
    public Task<byte[]?> GetBlockAsync(long height, CancellationToken cancel) =>
        store.GetAsync(BucketLayout.Block(name, height), cancel);

    /// <summary>
    /// Offers a block for its height. This is the commit point of everything in it: create-if-absent lets
    /// exactly one block win, whoever else believes to own the ledger.
    /// </summary>
    public Task<CreateResult> OfferBlockAsync(long height, byte[] block, CancellationToken cancel) =>
        store.CreateAsync(BucketLayout.Block(name, height), block, cancel);

    /// <summary>The bytes of the signed tree head, or null.</summary>
    public Task<byte[]?> GetCheckpointAsync(CancellationToken cancel) =>
        store.GetAsync(BucketLayout.Checkpoint(name), cancel);

    /// <summary>The bytes of a tile or entry bundle, or null.</summary>
    public Task<byte[]?> GetTileAsync(string path, CancellationToken cancel) =>
        store.GetAsync(BucketLayout.Tile(name, path), cancel);

    /// <summary>The signed public keys, or null.</summary>
    public Task<byte[]?> GetKeysAsync(CancellationToken cancel) =>
        store.GetAsync(BucketLayout.Keys(name), cancel);

    /// <summary>All blocks from a height on, in order, each checked against the one before.</summary>
    /// <exception cref="CorruptException">A block is damaged, foreign or out of place.</exception>
    public async IAsyncEnumerable<LinkedBlock> FollowAsync(
        LedgerTip tip,
        IReadOnlyList<VerifierKey> blockKeys,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        while (await GetBlockAsync(tip.Size, cancel) is { } bytes)
        {
            var (block, next) = Link(tip, bytes, blockKeys);
            tip = next;
            yield return new LinkedBlock(block, bytes, tip);
        }
    }

    private (Block Block, LedgerTip Tip) Link(LedgerTip tip, byte[] bytes, IReadOnlyList<VerifierKey> blockKeys)
    {
        Block block;
        try
        {
            block = Block.Open(bytes, blockKeys);
        }
        catch (CorruptException error)
        {
            throw new CorruptException($"block {tip.Size} of ledger '{name}' is damaged: {error.Message}", error);
        }

        return (block, tip.Follow(block, bytes));
    }
}
