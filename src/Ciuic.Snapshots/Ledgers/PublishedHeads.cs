using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>The signed tree heads in a bucket.</summary>
public static class PublishedHeads
{
    /// <summary>
    /// The newest tree head that a known key signed: the checkpoint, or where that is missing or damaged the newest of
    /// the kept ones. Null where there is none at all.
    /// </summary>
    public static async Task<SignedTreeHead?> NewestAsync(LedgerBucket bucket, LedgerKeys keys, CancellationToken cancel)
    {
        if (TryOpen(await bucket.GetCheckpointAsync(cancel), keys) is { } published)
            return published;
        return await NewestKeptAsync(bucket, keys, 0, cancel);
    }

    /// <summary>The newest kept tree head of at least a size that a known key signed; null where there is none.</summary>
    public static async Task<SignedTreeHead?> NewestKeptAsync(
        LedgerBucket bucket, LedgerKeys keys, long minSize, CancellationToken cancel)
    {
        var sizes = await bucket.ListPublishedSizesAsync(cancel);
        for (var i = sizes.Count - 1; i >= 0 && sizes[i] >= minSize; i--)
        {
            if (TryOpen(await bucket.GetCheckpointAsync(sizes[i], cancel), keys) is { } kept)
                return kept;
        }

        return null;
    }

    /// <summary>Reads a checkpoint; null where it is missing, damaged or signed by nobody known.</summary>
    public static SignedTreeHead? TryOpen(byte[]? bytes, LedgerKeys keys)
    {
        try
        {
            return bytes is null ? null : SignedTreeHead.Open(bytes, keys.Origin, keys.TreeHead);
        }
        catch (CorruptException)
        {
            return null;
        }
    }
}
