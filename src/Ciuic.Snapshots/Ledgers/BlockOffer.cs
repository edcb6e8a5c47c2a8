using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>How an offer of a block ended.</summary>
internal enum OfferOutcome
{
    /// <summary>The block stands there: it is committed.</summary>
    Won,

    /// <summary>The same, but the store had damaged it, and it was written again.</summary>
    WonMended,

    /// <summary>Another writer's block stands there.</summary>
    Lost,
}

/// <summary>
/// Offers a block for its height, and reads back who has won, by content, whatever the store answers: what is acknowledged is what is
/// there.
/// </summary>
internal static class BlockOffer
{
    /// <summary>
    /// Dying before the offer: nothing happened. After it, or without its answer: the block is there, the next load reads it and the
    /// callers, who got no answer, find their records; where it was damaged on its way, the next load says so, and nothing was
    /// acknowledged.
    /// </summary>
    /// <exception cref="UnavailableException">The outcome is unknown.</exception>
    /// <exception cref="CorruptException">The store damages what it takes, or lets two writers win.</exception>
    public static async Task<OfferOutcome> MakeAsync(LedgerBucket bucket, LinkedBlock linked, CancellationToken cancel)
    {
        var height = linked.Block.Height;
        // Asked first: a store whose create-if-absent has been taken away (S3Versions says how) would replace the winner's block.
        if (await bucket.GetBlockAsync(height, cancel) is not null)
            return OfferOutcome.Lost;
        if (await bucket.OfferBlockAsync(height, linked.Bytes, cancel) == CreateResult.AlreadyExists)
            return OfferOutcome.Lost;
        if (await IsThereAsync(bucket, linked, cancel))
            return OfferOutcome.Won;
        // Nobody reads what does not belong there, so the right bytes take nothing from anybody. Dying here: as after the offer.
        await bucket.ReplaceBlockAsync(linked, cancel);
        return await IsThereAsync(bucket, linked, cancel) ? OfferOutcome.WonMended : throw new CorruptException(
            $"block {height} of ledger '{bucket.Name}' is not read back as it was written, twice ({BucketLayout.Block(bucket.Name, height)}): "
            + $"{bucket.Store.Location} damages what it takes. Nothing is acknowledged that is not read back; repair the store.");
    }

    /// <returns>False where what is there belongs to nobody.</returns>
    private static async Task<bool> IsThereAsync(LedgerBucket bucket, LinkedBlock linked, CancellationToken cancel)
    {
        var height = linked.Block.Height;
        var there = await bucket.GetBlockAsync(height, cancel) ?? throw new UnavailableException(
            $"block {height} of ledger '{bucket.Name}' is not there although {bucket.Store.Location} has taken it; its outcome is unknown.");
        if (there.AsSpan().SequenceEqual(linked.Bytes))
            return true;
        return bucket.TryLink(linked.Before, there, out _) is null ? false : throw new CorruptException(
            $"TWO WRITERS WON block {height} of ledger '{bucket.Name}': {bucket.Store.Location} does not keep create-if-absent any more, and "
            + "history would not be safe there. Is versioning switched on for the bucket? Suspend it, or use a server that honours If-None-Match.");
    }
}
