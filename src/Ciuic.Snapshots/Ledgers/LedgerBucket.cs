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

    /// <summary>The bytes of the signed tree head of one published size, or null.</summary>
    public Task<byte[]?> GetCheckpointAsync(long size, CancellationToken cancel) =>
        store.GetAsync(BucketLayout.CheckpointAt(name, size), cancel);

    /// <summary>Replaces the signed tree head.</summary>
    public Task PutCheckpointAsync(byte[] checkpoint, CancellationToken cancel) =>
        store.PutAsync(BucketLayout.Checkpoint(name), checkpoint, cancel);

    /// <summary>Keeps the signed tree head of a size, unless one is kept already.</summary>
    public Task<CreateResult> KeepCheckpointAsync(long size, byte[] checkpoint, CancellationToken cancel) =>
        store.CreateAsync(BucketLayout.CheckpointAt(name, size), checkpoint, cancel);

    /// <summary>Replaces a kept tree head that is damaged, or lacks cosignatures, by one that says the same.</summary>
    public Task ReplaceKeptCheckpointAsync(long size, byte[] checkpoint, CancellationToken cancel) =>
        store.PutAsync(BucketLayout.CheckpointAt(name, size), checkpoint, cancel);

    /// <summary>
    /// Stores a derived object. Whoever derives it, the bytes are the same: one that exists with other bytes was damaged,
    /// and is replaced by what the signed blocks give. Dying between two of them: the next load finds the old tree head
    /// and derives them again.
    /// </summary>
    /// <returns>Whether anything was written.</returns>
    public async Task<bool> DeriveAsync(TileFile file, CancellationToken cancel)
    {
        var key = BucketLayout.Tile(name, file.Path);
        if (await store.CreateAsync(key, file.Content, cancel) == CreateResult.Created)
            return true;
        var there = await store.GetAsync(key, cancel);
        if (there.AsSpan().SequenceEqual(file.Content))
            return false;
        await store.PutAsync(key, file.Content, cancel);
        return true;
    }

    /// <summary>Like <see cref="DeriveAsync"/>, where the object is expected to be there: reads before it writes.</summary>
    public async Task<bool> MendAsync(TileFile file, CancellationToken cancel) =>
        !(await GetTileAsync(file.Path, cancel)).AsSpan().SequenceEqual(file.Content) && await DeriveAsync(file, cancel);

    /// <summary>All sizes for which a signed tree head was kept, smallest first.</summary>
    public Task<List<long>> ListPublishedSizesAsync(CancellationToken cancel) =>
        ListNumbersAsync(BucketLayout.CheckpointsPrefix(name), cancel);

    /// <summary>The heights of all blocks that rotated keys and have a note that says so, smallest first.</summary>
    public Task<List<long>> ListRotationsAsync(CancellationToken cancel) =>
        ListNumbersAsync(BucketLayout.RotatedKeysPrefix(name), cancel);

    /// <summary>All blocks from a height on, in order, each checked against the one before.</summary>
    /// <exception cref="CorruptException">A block is damaged, foreign or out of place.</exception>
    public async IAsyncEnumerable<LinkedBlock> FollowAsync(
        LedgerTip tip,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        while (await GetBlockAsync(tip.Size, cancel) is { } bytes)
        {
            var linked = Link(tip, bytes);
            tip = linked.After;
            yield return linked;
        }
    }

    /// <summary>
    /// The blocks, tiles and entry bundles that ask for the longest ledger, at most so many, with the size they ask for; what
    /// has a name that none of them can have asks for more than any.
    /// </summary>
    public async Task<List<(string Path, long Size)>> ListFarthestAsync(int limit, CancellationToken cancel)
    {
        var farthest = new PriorityQueue<string, long>();
        var prefix = BucketLayout.Tile(name, "x").Path[..^1];
        foreach (var folder in (string[])["block/", "tile/"])
        {
            await foreach (var found in store.ListAsync(prefix + folder, cancel))
            {
                var path = found.Key.Path[prefix.Length..];
                farthest.Enqueue(path, SizeAskedFor(path));
                if (farthest.Count > limit)
                    farthest.Dequeue();
            }
        }

        return farthest.UnorderedItems.Select(i => (i.Element, i.Priority)).OrderBy(i => i.Priority).ToList();
    }

    private static long SizeAskedFor(string path)
    {
        if (path.StartsWith("block/", StringComparison.Ordinal))
            return Decimal64.TryParse(path.AsSpan("block/".Length), out var height) && height < long.MaxValue ? height + 1 : long.MaxValue;
        return TileLayout.TryParse(path, out var tile) ? tile.MinSize : long.MaxValue;
    }

    private async Task<List<long>> ListNumbersAsync(string prefix, CancellationToken cancel)
    {
        var numbers = new List<long>();
        await foreach (var found in store.ListAsync(prefix, cancel))
        {
            if (Decimal64.TryParse(found.Key.Path.AsSpan(prefix.Length), out var number))
                numbers.Add(number);
        }

        numbers.Sort();
        return numbers;
    }

    private LinkedBlock Link(LedgerTip tip, byte[] bytes)
    {
        Block block;
        try
        {
            block = Block.Open(bytes, [tip.Keys.ActiveBlocks]);
        }
        catch (CorruptException error)
        {
            throw new CorruptException($"block {tip.Size} of ledger '{name}' is damaged: {error.Message}", error);
        }

        return new LinkedBlock(block, bytes, tip.Follow(block, bytes));
    }
}
