using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// Finds what took the place of a partial tile or bundle: only the newest one of each is kept, and it begins with all before.
/// </summary>
internal static class LargerTiles
{
    /// <summary>The bytes of the smallest one that is larger; null where there is none.</summary>
    /// <param name="bucket">The ledger.</param>
    /// <param name="path">The path of the partial tile or bundle.</param>
    /// <param name="tile">Which one it is.</param>
    /// <param name="cancel">Ends the reading.</param>
    public static async Task<byte[]?> FindAsync(LedgerBucket bucket, string path, Tile tile, CancellationToken cancel)
    {
        // Deleted between the list and the read, because a still larger one is there by now: the next look finds that.
        for (var looks = 0; looks < 3; looks++)
        {
            foreach (var larger in await ListAsync(bucket, path, tile, cancel))
            {
                if (await bucket.GetTileAsync(larger, cancel) is { } bytes)
                    return bytes;
            }
        }

        return null;
    }

    private static async Task<IEnumerable<string>> ListAsync(LedgerBucket bucket, string path, Tile tile, CancellationToken cancel)
    {
        var full = path[..path.LastIndexOf(".p/", StringComparison.Ordinal)];
        var prefix = BucketLayout.LedgerPrefix(bucket.Name);
        var found = new List<(int Width, string Path)>();
        await foreach (var entry in bucket.Store.ListAsync(prefix + full, cancel))
        {
            var name = entry.Key.Path[prefix.Length..];
            if (TileLayout.TryParse(name, out var other) && other.Index == tile.Index && other.Level == tile.Level && other.Width > tile.Width)
                found.Add((other.Width, name));
        }

        return found.OrderBy(f => f.Width).Select(f => f.Path);
    }
}
