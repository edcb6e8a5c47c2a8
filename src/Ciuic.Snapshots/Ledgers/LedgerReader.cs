using System.Runtime.CompilerServices;
using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>Reads a whole ledger and believes nothing unchecked.</summary>
public static class LedgerReader
{
    /// <summary>All blocks in order, each checked in its place.</summary>
    /// <param name="bucket">The ledger.</param>
    /// <param name="trusted">Tree head keys known from elsewhere; empty: believe those beside the ledger.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="CorruptException">
    /// A block is damaged, foreign or out of place, or fewer are there than the signed tree head promises.
    /// </exception>
    public static async IAsyncEnumerable<LinkedBlock> ReadAsync(
        LedgerBucket bucket, IReadOnlyList<VerifierKey> trusted, [EnumeratorCancellation] CancellationToken cancel)
    {
        var keys = await KeyNotes.ReadAsync(bucket, trusted, cancel);
        var promised = (await PublishedHeads.NewestAsync(bucket, keys.Newest, cancel))?.Head;
        var tip = LedgerTip.Start(keys.Newest);
        await foreach (var linked in bucket.FollowAsync(tip, cancel))
        {
            tip = linked.After;
            if (tip.Size == promised?.Size && tip.Tree.Root != promised.Root)
                throw new CorruptException($"ledger '{bucket.Name}': its first {tip.Size} blocks do not give the root that its signed tree head names");
            yield return linked;
        }

        if (tip.Size < promised?.Size)
            throw new CorruptException($"block {tip.Size} of ledger '{bucket.Name}' is missing: its signed tree head promises {promised.Size} blocks");
    }
}
