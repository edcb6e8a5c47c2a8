using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Reads every block again and derives what is missing or wrong in the published view. What a silo does once after it has
/// opened a ledger, because going on from the newest tree head looks at the newest blocks only.
/// </summary>
public static class LedgerCheck
{
    /// <summary>Checks the blocks of a tip.</summary>
    /// <param name="bucket">The ledger.</param>
    /// <param name="tip">The tip that its blocks must give.</param>
    /// <param name="cancel">Ends the check.</param>
    /// <returns>Number of derived objects that were written again.</returns>
    /// <exception cref="CorruptException">A block is damaged, missing or out of place; the message names the height.</exception>
    public static async Task<int> RunAsync(LedgerBucket bucket, LedgerTip tip, CancellationToken cancel)
    {
        var (at, tiles, mended) = (LedgerTip.Start(tip.Keys), new TileBuilder(), 0);
        await foreach (var linked in bucket.FollowAsync(at, cancel))
        {
            at = linked.After;
            tiles.Append(linked.Bytes, at.LastLeaf);
            mended += await DeriveAsync(bucket, tiles.TakeFinished(), cancel);
            if (at.Size == tip.Size)
                break;
        }

        if (at.Size < tip.Size)
            throw new CorruptException($"block {at.Size} of ledger '{bucket.Name}' is missing: the ledger had {tip.Size} blocks before");
        return at.Tree.Root == tip.Tree.Root
            ? mended
            : throw new CorruptException($"ledger '{bucket.Name}': its {tip.Size} blocks do not give the root of its tiles");
    }

    private static async Task<int> DeriveAsync(LedgerBucket bucket, List<TileFile> files, CancellationToken cancel)
    {
        var written = 0;
        foreach (var file in files)
            written += await bucket.DeriveAsync(file, cancel) ? 1 : 0;
        return written;
    }
}
