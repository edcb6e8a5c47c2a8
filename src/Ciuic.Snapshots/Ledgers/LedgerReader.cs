using System.Runtime.CompilerServices;
using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>Reads a whole ledger and believes nothing unchecked.</summary>
public static class LedgerReader
{
    /// <summary>All blocks in order, each checked in its place.</summary>
    /// <param name="bucket">The ledger.</param>
    /// <param name="trusted">Tree head keys known from elsewhere; empty: believe those beside the ledger.</param>
    /// <param name="known">A tree head that the blocks must give, beside the published one; null where none is known.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="CorruptException">
    /// A block is damaged, foreign or out of place, or fewer are there than the signed tree head promises.
    /// </exception>
    public static async IAsyncEnumerable<LinkedBlock> ReadAsync(
        LedgerBucket bucket,
        IReadOnlyList<VerifierKey> trusted,
        TreeHead? known,
        [EnumeratorCancellation] CancellationToken cancel)
    {
        var keys = await KeyNotes.ReadAsync(bucket, trusted, cancel);
        var published = (await PublishedHeads.NewestAsync(bucket, keys.Newest, cancel))?.Head;
        var promises = LedgerPromise.Of(published, known);
        var tip = LedgerTip.Start(keys.Newest);
        await foreach (var linked in bucket.FollowAsync(tip, LedgerPromise.Longest(promises), cancel))
        {
            tip = linked.After;
            foreach (var promise in promises)
                promise.RequireRoot(bucket.Name, tip);
            yield return linked;
        }

        foreach (var promise in promises)
            promise.RequireLength(bucket.Name, tip);
    }

    /// <summary>The keys that are in force after all blocks, whose notes may be missing.</summary>
    /// <param name="bucket">The ledger.</param>
    /// <param name="keys">Its keys as far as they are known.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="CorruptException">A block is damaged, foreign or out of place.</exception>
    public static async Task<LedgerKeys> KeysAsync(LedgerBucket bucket, LedgerKeys keys, CancellationToken cancel)
    {
        var tip = LedgerTip.Start(keys);
        await foreach (var linked in bucket.FollowAsync(tip, 0, cancel))
            tip = linked.After;
        return tip.Keys;
    }
}
