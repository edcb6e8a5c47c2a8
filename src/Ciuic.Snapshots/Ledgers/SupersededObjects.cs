using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>Deletes whatever newer objects have taken the place of, whoever has left it: see <see cref="PublishedTrail"/>.</summary>
internal static class SupersededObjects
{
    /// <summary>Deletes them.</summary>
    /// <param name="bucket">The ledger.</param>
    /// <param name="published">The size of the newest published head, whose objects are there and right.</param>
    /// <param name="cancel">Ends the deleting; what is left, the next check finds again.</param>
    public static async Task CollectAsync(LedgerBucket bucket, long published, CancellationToken cancel)
    {
        var kept = await bucket.ListPublishedSizesAsync(cancel);
        foreach (var size in PublishedTrail.HeadsToCollect(kept))
            await bucket.DeleteAsync($"checkpoint.{size}", cancel);
        var needed = kept.TakeLast(PublishedTrail.HeadsWithTiles).Append(published)
            .SelectMany(TileLayout.PartialPaths)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var path in (await PartialsBelowAsync(bucket, published, cancel)).Where(path => !needed.Contains(path)))
            await bucket.DeleteAsync(path, cancel);
    }

    /// <summary>The partial tiles and bundles of sizes before the published one; what asks for more may be about to be published.</summary>
    private static async Task<List<string>> PartialsBelowAsync(LedgerBucket bucket, long published, CancellationToken cancel)
    {
        var (prefix, partials) = (BucketLayout.LedgerPrefix(bucket.Name), new List<string>());
        await foreach (var found in bucket.Store.ListAsync(prefix + "tile/", cancel))
        {
            var path = found.Key.Path[prefix.Length..];
            if (TileLayout.TryParse(path, out var tile) && tile.Width < Tile.FullWidth && tile.MinSize < published)
                partials.Add(path);
        }

        return partials;
    }
}
