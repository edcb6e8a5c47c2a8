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

    /// <summary>A block that one of the ledger's keys has signed, from its own object or an entry bundle; null where none is right.</summary>
    public Task<Block?> FindBlockAsync(long height, LedgerKeys keys, CancellationToken cancel) =>
        FindBlockAsync(height, bytes => Block.Open(bytes, keys.Blocks), cancel);

    /// <summary>The same, by whatever opens a block.</summary>
    /// <param name="height">Which one.</param>
    /// <param name="open">Reads the bytes; throws <see cref="CorruptException"/> where they are not to be believed.</param>
    /// <param name="cancel">Ends the reading.</param>
    public async Task<Block?> FindBlockAsync(long height, Func<byte[], Block> open, CancellationToken cancel)
    {
        Block? block = null;
        await BlockCopies.FindAsync(this, height, bytes => (block = BlockCopies.TryOpen(bytes, height, open)) is not null, cancel);
        return block;
    }

    /// <summary>Whether there is anything that says it is this block, be it damaged.</summary>
    public async Task<bool> HasCopyAsync(long height, CancellationToken cancel) =>
        await BlockCopies.FindAsync(this, height, _ => true, cancel) is not null;

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

    /// <summary>Deletes a derived object that others have taken the place of.</summary>
    public Task DeleteAsync(string path, CancellationToken cancel) => store.DeleteAsync(BucketLayout.Tile(name, path), cancel);

    /// <summary>All sizes for which a signed tree head was kept, smallest first.</summary>
    public Task<List<long>> ListPublishedSizesAsync(CancellationToken cancel) =>
        ListNumbersAsync(BucketLayout.CheckpointsPrefix(name), cancel);

    /// <summary>The heights of all blocks that rotated keys and have a note that says so, smallest first.</summary>
    public Task<List<long>> ListRotationsAsync(CancellationToken cancel) =>
        ListNumbersAsync(BucketLayout.RotatedKeysPrefix(name), cancel);

    /// <summary>
    /// All blocks after a tip, in order, each checked against the one before. One that is missing or damaged is taken from the
    /// entry bundle that holds it, by the same check: its signature, and that it follows.
    /// </summary>
    /// <param name="tip">Where to begin.</param>
    /// <param name="expected">Blocks that the ledger is known to have, which are read ahead; 0 where nothing is known.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="CorruptException">A block is damaged, foreign, out of place or missing, and no bundle holds it.</exception>
    public async IAsyncEnumerable<LinkedBlock> FollowAsync(
        LedgerTip tip,
        long expected,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        var blocks = new BlocksAhead(this, tip.Size, expected);
        while (await NextAsync(tip, await blocks.TakeAsync(cancel), cancel) is { } linked)
        {
            tip = linked.After;
            yield return linked;
        }
    }

    /// <summary>Writes a block over bytes that were damaged on their way to its place.</summary>
    public Task ReplaceBlockAsync(LinkedBlock linked, CancellationToken cancel) =>
        store.PutAsync(BucketLayout.Block(name, linked.Block.Height), linked.Bytes, cancel);

    /// <summary>Puts a block back in its place that was found elsewhere; read back before this returns.</summary>
    /// <exception cref="ConflictException">Another block stands there by now, and belongs there: read on from it.</exception>
    /// <exception cref="CorruptException">The store does not keep what is written.</exception>
    public async Task PutBackAsync(LinkedBlock linked, CancellationToken cancel)
    {
        var key = BucketLayout.Block(name, linked.Block.Height);
        // Dying before or after a line here, or losing its answer: the block is still in the bundle, and put back by the next who reads.
        if (await store.CreateAsync(key, linked.Bytes, cancel) == CreateResult.AlreadyExists)
        {
            var there = await store.GetAsync(key, cancel);
            if (there.AsSpan().SequenceEqual(linked.Bytes))
                return;
            // What was missing may have been appended meanwhile, by somebody who did not find it: that one counts.
            if (there is not null && TryLink(linked.Before, there, out _) is not null)
                throw new ConflictException($"block {linked.Block.Height} of ledger '{name}' was appended meanwhile");
            await store.PutAsync(key, linked.Bytes, cancel);
        }

        if (!(await store.GetAsync(key, cancel)).AsSpan().SequenceEqual(linked.Bytes))
            throw new CorruptException($"block {linked.Block.Height} of ledger '{name}' is not read back as it was put back ({key})");
    }

    /// <summary>A block in its place; null where its bytes do not belong there.</summary>
    internal LinkedBlock? TryLink(LedgerTip tip, byte[] bytes, out CorruptException? complaint)
    {
        complaint = null;
        try
        {
            return Link(tip, bytes);
        }
        catch (CorruptException error)
        {
            complaint = error;
            return null;
        }
    }

    private async Task<LinkedBlock?> NextAsync(LedgerTip tip, byte[]? own, CancellationToken cancel)
    {
        CorruptException? complaint = null;
        if (own is not null && TryLink(tip, own, out complaint) is { } linked)
            return linked;
        await foreach (var (path, bytes) in BlockCopies.InBundlesAsync(this, tip.Size, cancel))
        {
            if (TryLink(tip, bytes, out _) is { } rescued)
                return rescued with { Rescue = new BlockRescue(path, complaint?.Message ?? Missing(tip.Size)) };
        }

        if (complaint is not null)
            throw complaint;
        if (await GetBlockAsync(tip.Size + 1, cancel) is null)
            return null; // the end
        // Both may have been appended since the first look.
        return await GetBlockAsync(tip.Size, cancel) is { } late
            ? Link(tip, late)
            : throw new CorruptException(
                $"{Missing(tip.Size)} while the next one is there, and no entry bundle holds it. Bring the block back from a backup; nothing "
                + "is appended until then.");
    }

    private string Missing(long height) =>
        $"block {height} of ledger '{name}' is missing ({BucketLayout.Block(name, height)})";

    /// <summary>Any object of the ledger; null where there is none at all.</summary>
    public async Task<ObjectKey?> FindTraceAsync(CancellationToken cancel)
    {
        await foreach (var found in store.ListAsync(BucketLayout.LedgerPrefix(name), cancel))
            return found.Key;
        return null;
    }

    /// <summary>
    /// The blocks, tiles and entry bundles that ask for the longest ledger, at most so many, with the size they ask for; what
    /// has a name that none of them can have asks for more than any.
    /// </summary>
    public async Task<List<(string Path, long Size)>> ListFarthestAsync(int limit, CancellationToken cancel)
    {
        var farthest = new PriorityQueue<string, long>();
        var prefix = BucketLayout.LedgerPrefix(name);
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
            throw new CorruptException(
                $"block {tip.Size} of ledger '{name}' is damaged ({BucketLayout.Block(name, tip.Size)}): {error.Message}", error);
        }

        return new LinkedBlock(block, bytes, tip, tip.Follow(block, bytes), null);
    }
}
