using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>Stores the tlog-tiles view: first everything a tree head implies, then the tree head.</summary>
public static class TreePublisher
{
    /// <summary>Publishes a tree head of the writer's tip.</summary>
    /// <returns>The published head.</returns>
    public static async Task<TreeHead> PublishAsync(
        LedgerBucket bucket, LedgerWriter writer, LedgerKeys keys, CancellationToken cancel)
    {
        var (files, head, checkpoint) = writer.Tree();
        // The files are the same whoever derives them, so one that exists is right, or damaged and for the audit
        // to name. Dying between two of them: the next load finds the old tree head and derives them again.
        foreach (var file in files)
            await bucket.Store.CreateAsync(BucketLayout.Tile(bucket.Name, file.Path), file.Content, cancel);
        // A tree head never goes back, even when an older writer wakes up late.
        if (await PublishedSizeAsync(bucket, keys, cancel) < head.Size)
            await bucket.Store.PutAsync(BucketLayout.Checkpoint(bucket.Name), checkpoint, cancel);
        writer.MarkPublished(head);
        return head;
    }

    private static async Task<long> PublishedSizeAsync(
        LedgerBucket bucket, LedgerKeys keys, CancellationToken cancel)
    {
        try
        {
            var bytes = await bucket.GetCheckpointAsync(cancel);
            return bytes is null ? -1 : TreeHead.Open(bytes, keys.Origin, keys.TreeHead).Size;
        }
        catch (CorruptException)
        {
            return -1; // damaged: replace it
        }
    }
}
