using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Goes on from a published tree head without reading every block again. Whatever is missing or wrong in the
/// published view makes it give up, never fail: the blocks are the truth, and the view is derived from them anew.
/// </summary>
internal static class TreeLoader
{
    /// <param name="bucket">The ledger.</param>
    /// <param name="head">Its newest published tree head.</param>
    /// <param name="accepted">A tree head it must continue; where the view does not show that it does, the blocks are asked.</param>
    /// <param name="keys">Its keys.</param>
    /// <param name="cancel">Ends the loading.</param>
    public static async Task<(LedgerTip, TileBuilder)?> TryResumeAsync(
        LedgerBucket bucket, TreeHead? head, TreeHead? accepted, KeyNotes keys, CancellationToken cancel)
    {
        try
        {
            if (head is null || head.Size == 0)
                return null;
            var shown = accepted is null || accepted.Size > head.Size
                || await new TreeProver(bucket).ContinuesAsync(accepted, head, cancel);
            return shown ? await ResumeAsync(bucket, head, keys, cancel) : null;
        }
        catch (Exception error) when (error is CorruptException or InvalidInputException)
        {
            return null;
        }
    }

    private static async Task<(LedgerTip, TileBuilder)?> ResumeAsync(
        LedgerBucket bucket, TreeHead head, KeyNotes keys, CancellationToken cancel)
    {
        var levels = new List<List<Digest>>();
        for (var level = 0; level < TileBuilder.LevelCount(head.Size); level++)
            levels.Add(await ReadHashesAsync(bucket, head.Size, level, cancel));
        var entries = await ReadEntriesAsync(bucket, head.Size, cancel);
        var tiles = TileBuilder.Resume(head.Size, levels, entries);
        var tree = tiles.Frontier();
        // The entries, too: they go into the next bundle as they are.
        if (tree.Root != head.Root || !entries.Select(e => MerkleHash.Leaf(e)).SequenceEqual(levels[0]))
            return null;
        return await LastBlockAsync(bucket, tree, keys, cancel) is { } tip ? (tip, tiles) : null;
    }

    private static async Task<LedgerTip?> LastBlockAsync(
        LedgerBucket bucket, MerkleFrontier tree, KeyNotes keys, CancellationToken cancel)
    {
        var height = tree.Size - 1;
        if (await bucket.GetBlockAsync(height, cancel) is not { } bytes)
            return null;
        var block = Block.Open(bytes, [keys.At(height).ActiveBlocks]);
        var leaf = MerkleHash.Leaf(bytes);
        // The block must be the tree's last leaf, or somebody swapped it. The keys after it are what it says, whether the
        // note of that is there or not: signing the next block with a key that was replaced would end the ledger.
        var after = block.Rotations().Aggregate(keys.At(height), (before, rotation) => before.After(rotation));
        return block.Height == height && after.Equals(keys.At(tree.Size)) && await IsLeafAsync(bucket, tree.Size, leaf, cancel)
            ? new LedgerTip(after, tree, leaf, block.TimeMs)
            : null;
    }

    private static async Task<bool> IsLeafAsync(
        LedgerBucket bucket, long size, Digest leaf, CancellationToken cancel)
    {
        var index = (size - 1) / Tile.FullWidth;
        var tile = new Tile(0, index, (int)(size - index * Tile.FullWidth));
        var bytes = await bucket.GetTileAsync(tile.Path, cancel);
        return bytes?.Length == tile.Width * Digest.Size && leaf.Span.SequenceEqual(bytes.AsSpan()[^Digest.Size..]);
    }

    private static async Task<List<Digest>> ReadHashesAsync(
        LedgerBucket bucket, long size, int level, CancellationToken cancel)
    {
        var width = TileBuilder.PartialWidth(size, level);
        if (width == 0)
            return [];
        var tile = new Tile(level, (size >> (8 * level)) / Tile.FullWidth, width);
        var bytes = await bucket.GetTileAsync(tile.Path, cancel);
        if (bytes?.Length != width * Digest.Size)
            throw new CorruptException($"{tile.Path} is missing or of another length");
        return bytes.Chunk(Digest.Size).Select(hash => new Digest(hash)).ToList();
    }

    private static async Task<List<byte[]>> ReadEntriesAsync(
        LedgerBucket bucket, long size, CancellationToken cancel)
    {
        var width = TileBuilder.PartialWidth(size, 0);
        if (width == 0)
            return [];
        var path = new Tile(0, size / Tile.FullWidth, width).EntriesPath;
        var bytes = await bucket.GetTileAsync(path, cancel) ?? throw new CorruptException($"{path} is missing");
        return EntryBundle.Decode(bytes);
    }
}
