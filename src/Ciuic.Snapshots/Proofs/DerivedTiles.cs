using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>Hash tiles made anew from what they are derived from: those below, and at the bottom the entries.</summary>
internal static class DerivedTiles
{
    /// <summary>The bytes of a tile.</summary>
    /// <exception cref="CorruptException">A block is missing, and no bundle holds it.</exception>
    public static async Task<byte[]> MakeAsync(LedgerBucket bucket, Tile tile, CancellationToken cancel)
    {
        var hashes = tile.Level == 0 ? await LeavesAsync(bucket, tile, cancel) : await RootsAsync(bucket, tile, cancel);
        var bytes = new byte[tile.Width * Digest.Size];
        for (var i = 0; i < tile.Width; i++)
            hashes[i].Span.CopyTo(bytes.AsSpan(i * Digest.Size));
        return bytes;
    }

    private static async Task<List<Digest>> RootsAsync(LedgerBucket bucket, Tile tile, CancellationToken cancel)
    {
        var roots = new List<Digest>();
        for (var i = 0; i < tile.Width; i++)
        {
            var below = new Tile(tile.Level - 1, tile.Index * Tile.FullWidth + i, Tile.FullWidth);
            roots.Add(RootOf(await MakeAsync(bucket, below, cancel)));
        }

        return roots;
    }

    private static async Task<List<Digest>> LeavesAsync(LedgerBucket bucket, Tile tile, CancellationToken cancel)
    {
        if (await BundleAsync(bucket, tile, cancel) is { } entries)
            return entries.Take(tile.Width).Select(e => MerkleHash.Leaf(e)).ToList();
        var leaves = new List<Digest>();
        for (var i = 0; i < tile.Width; i++)
            leaves.Add(await LeafAsync(bucket, tile.Index * Tile.FullWidth + i, cancel));
        return leaves;
    }

    /// <summary>One read instead of 256; null where it is missing or says nothing sensible.</summary>
    private static async Task<List<byte[]>?> BundleAsync(LedgerBucket bucket, Tile tile, CancellationToken cancel)
    {
        try
        {
            var bytes = await bucket.GetTileAsync(tile.EntriesPath, cancel);
            return bytes is not null && EntryBundle.Decode(bytes) is { } entries && entries.Count == tile.Width ? entries : null;
        }
        catch (CorruptException)
        {
            return null;
        }
    }

    /// <summary>Whether it is the right one is told by the root that it leads to.</summary>
    private static async Task<Digest> LeafAsync(LedgerBucket bucket, long height, CancellationToken cancel)
    {
        var block = await BlockCopies.FindAsync(bucket, height, bytes => IsAt(bytes, height), cancel);
        return block is not null
            ? MerkleHash.Leaf(block)
            : throw new CorruptException(
                $"block {height} of ledger '{bucket.Name}' is missing or damaged, and no entry bundle holds it "
                + $"({Storage.BucketLayout.Block(bucket.Name, height)})");
    }

    private static bool IsAt(byte[] bytes, long height)
    {
        try
        {
            return Block.ParseUnsigned(bytes).Height == height;
        }
        catch (CorruptException)
        {
            return false;
        }
    }

    private static Digest RootOf(byte[] tile)
    {
        var tree = MerkleFrontier.Empty;
        for (var at = 0; at < tile.Length; at += Digest.Size)
            tree = tree.Append(new Digest(tile.AsSpan(at, Digest.Size)));
        return tree.Root;
    }
}
