using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Stores the tlog-tiles view: first everything a tree head implies, then, when the policy's witnesses have cosigned
/// it, the tree head.
/// </summary>
/// <param name="bucket">The ledger.</param>
/// <param name="cosigners">Whose cosignatures are needed.</param>
public sealed class TreePublisher(LedgerBucket bucket, Cosigners cosigners)
{
    /// <summary>Publishes a tree head of the writer's tip.</summary>
    /// <returns>The published head.</returns>
    /// <exception cref="UnavailableException">The quorum has not cosigned; nothing was published, blocks stay committed.</exception>
    public async Task<SignedTreeHead> PublishAsync(LedgerWriter writer, CancellationToken cancel)
    {
        var tree = writer.Tree();
        foreach (var file in tree.Files)
            await bucket.DeriveAsync(file, cancel);
        foreach (var (height, keys) in tree.Rotations)
            await KeyNoteKeeper.KeepAsync(bucket, height, keys, tree.Signer, cancel);
        // Whether it gets published or not: while witnesses are away nothing piles up in memory or is stored again.
        writer.MarkDerived(tree.Head.Head);
        var cosigned = await cosigners.CosignAsync(tree.Head, new TreeProver(bucket), cancel);
        // The kept head first: dying after this line, the next load publishes the same size or a larger one.
        var checkpoint = await KeepAsync(tree, cosigned, cancel);
        // A tree head does not go back when an older writer wakes up late. Two writers within this read and put can still
        // leave the smaller one here until the next is published; the kept ones are all there.
        var published = await PublishedAsync(tree.Keys, cancel);
        if (published is null || published.Head.Size <= checkpoint.Head.Size)
            await bucket.PutCheckpointAsync(checkpoint.Bytes, cancel);
        await CollectAsync(writer, checkpoint.Head.Size, cancel);
        return checkpoint;
    }

    /// <summary>
    /// Only now: everything that the new head implies is durable, and so is the head. Dying before, or without a store, the next
    /// check of the ledger collects what is left.
    /// </summary>
    private async Task CollectAsync(LedgerWriter writer, long size, CancellationToken cancel)
    {
        try
        {
            foreach (var path in writer.Trail.Add(size))
                await bucket.DeleteAsync(path, cancel);
        }
        catch (UnavailableException)
        {
            // What was published is published.
        }
    }

    /// <summary>The published head; one that a faster writer signed with a newer key, too.</summary>
    private async Task<SignedTreeHead?> PublishedAsync(LedgerKeys keys, CancellationToken cancel)
    {
        var bytes = await bucket.GetCheckpointAsync(cancel);
        if (bytes is null)
            return null;
        return PublishedHeads.TryOpen(bytes, keys)
            ?? PublishedHeads.TryOpen(bytes, (await KeyNotes.ReadAsync(bucket, keys.TreeHead, cancel)).Newest);
    }

    /// <summary>Keeps the head for ever. One of the same size that another writer kept stays, if it says the same.</summary>
    private async Task<SignedTreeHead> KeepAsync(UnpublishedTree tree, byte[] cosigned, CancellationToken cancel)
    {
        var head = tree.Head.Head;
        var mine = SignedTreeHead.Open(cosigned, head.Origin, tree.Keys.TreeHead);
        if (await bucket.KeepCheckpointAsync(head.Size, cosigned, cancel) == Storage.CreateResult.Created)
            return mine;
        var kept = PublishedHeads.TryOpen(await bucket.GetCheckpointAsync(head.Size, cancel), tree.Keys);
        if (kept is not null && kept.Head != head)
            throw new CorruptException($"ledger '{bucket.Name}': the kept tree head of size {head.Size} has another root than its blocks");
        if (kept is not null && cosigners.Suffice(kept))
            return kept;
        // Damaged, or from before the policy asked for more witnesses: whose cosignatures stay, this is kept for ever.
        var merged = kept is null ? mine : SignedTreeHead.Open(mine.WithSignaturesOf(kept), head.Origin, tree.Keys.TreeHead);
        await bucket.ReplaceKeptCheckpointAsync(head.Size, merged.Bytes, cancel);
        return merged;
    }
}
