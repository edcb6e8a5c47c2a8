using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// The bucket has each published block twice: as an object of its own and in an entry bundle. Whatever is taken from here is
/// judged by whoever asks, by signature and place, so a bundle is believed as little as a block is.
/// </summary>
internal static class BlockCopies
{
    /// <summary>The first copy of a block that is the right one, its own object first; null where none is.</summary>
    public static async Task<byte[]?> FindAsync(
        LedgerBucket bucket, long height, Func<byte[], bool> isRight, CancellationToken cancel)
    {
        if (await bucket.GetBlockAsync(height, cancel) is { } own && isRight(own))
            return own;
        await foreach (var (_, bytes) in InBundlesAsync(bucket, height, cancel))
        {
            if (isRight(bytes))
                return bytes;
        }

        return null;
    }

    /// <summary>A block of a height that one of the ledger's keys has signed; null where these bytes are none.</summary>
    public static Block? TryOpen(byte[] bytes, long height, LedgerKeys keys) => TryOpen(bytes, height, b => Block.Open(b, keys.Blocks));

    /// <summary>A block of a height; null where these bytes are none.</summary>
    public static Block? TryOpen(byte[] bytes, long height, Func<byte[], Block> open)
    {
        try
        {
            var block = open(bytes);
            return block.Height == height ? block : null;
        }
        catch (CorruptException)
        {
            return null;
        }
    }

    /// <summary>What entry bundles say that the block is, the fullest bundle first.</summary>
    public static async IAsyncEnumerable<(string Path, byte[] Bytes)> InBundlesAsync(
        LedgerBucket bucket, long height, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var bundle in await BundlesAsync(bucket, height, cancel))
        {
            if (await bucket.GetTileAsync(bundle.EntriesPath, cancel) is { } bytes && Entry(bytes, (int)(height % Tile.FullWidth)) is { } entry)
                yield return (bundle.EntriesPath, entry);
        }
    }

    private static async Task<List<Tile>> BundlesAsync(LedgerBucket bucket, long height, CancellationToken cancel)
    {
        var full = new Tile(0, height / Tile.FullWidth, Tile.FullWidth);
        var prefix = BucketLayout.LedgerPrefix(bucket.Name);
        var bundles = new List<Tile>();
        await foreach (var found in bucket.Store.ListAsync(prefix + full.EntriesPath, cancel))
        {
            if (TileLayout.TryParse(found.Key.Path[prefix.Length..], out var tile) && tile.Index == full.Index && tile.Width > height % Tile.FullWidth)
                bundles.Add(tile);
        }

        return [.. bundles.OrderByDescending(t => t.Width)];
    }

    /// <summary>One entry of a bundle; null where the bundle is damaged before it.</summary>
    private static byte[]? Entry(byte[] bundle, int index)
    {
        try
        {
            var entries = EntryBundle.Decode(bundle);
            return index < entries.Count ? entries[index] : null;
        }
        catch (CorruptException)
        {
            return null; // its lengths lie; another bundle may hold the block
        }
    }
}
