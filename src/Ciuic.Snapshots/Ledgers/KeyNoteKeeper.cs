using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>Writes the notes of public keys beside a ledger; they are derived from its blocks, as tiles are.</summary>
public static class KeyNoteKeeper
{
    /// <summary>Stores the note of a new ledger; an existing one is left as it is.</summary>
    /// <exception cref="ConflictException">The note is missing, and the blocks are not this signer's.</exception>
    public static async Task BeginAsync(LedgerBucket bucket, LedgerSigner signer, CancellationToken cancel)
    {
        if (await bucket.GetKeysAsync(cancel) is not null)
            return;
        var keys = signer.InitialKeys;
        await RequireOwnAsync(bucket, keys, cancel);
        // Of two silos that start a ledger at once one wins; the other reads the winner's keys. Dying after this line: the next
        // start finds its own note, and no block.
        await bucket.Store.CreateAsync(
            BucketLayout.Keys(bucket.Name), keys.Sign(signer.Find(keys.ActiveTreeHead)), cancel);
    }

    /// <summary>Stores the note after a rotation, unless it is there and right.</summary>
    public static async Task KeepAsync(
        LedgerBucket bucket, long height, LedgerKeys keys, LedgerSigner signer, CancellationToken cancel)
    {
        var place = BucketLayout.KeysAfter(bucket.Name, height);
        var before = keys.TreeHead.Count > 1 ? signer.TryFind(keys.TreeHead[^2]) : null;
        var active = signer.Find(keys.ActiveTreeHead);
        var note = before is null ? keys.Sign(active) : keys.Sign(before, active);
        var there = await bucket.Store.GetAsync(place, cancel);
        if (there.AsSpan().SequenceEqual(note))
            return;
        // The replaced key may be at hand no more: a note that has its signature is worth more than one that has not.
        if (there is not null && before is null && Says(there, keys))
            return;
        // Dying before or after: the note is derived again, with the next tree head or by the check of all blocks.
        if (there is not null || await bucket.Store.CreateAsync(place, note, cancel) == CreateResult.AlreadyExists)
            await bucket.Store.PutAsync(place, note, cancel);
    }

    private static async Task RequireOwnAsync(LedgerBucket bucket, LedgerKeys keys, CancellationToken cancel)
    {
        try
        {
            if (await bucket.GetBlockAsync(0, cancel) is { } first)
                Block.Open(first, keys.Blocks);
        }
        catch (CorruptException error)
        {
            throw new ConflictException(
                $"Ledger '{bucket.Name}' in {bucket.Store.Location} has blocks, but the note of its keys is missing, and the keys in the "
                + $"key directory did not sign its first block. Bring back its keys, or that note, from a backup. ({error.Message})",
                error);
        }
    }

    private static bool Says(byte[] note, LedgerKeys keys)
    {
        try
        {
            return LedgerKeys.Open(note, keys.TreeHead).Equals(keys);
        }
        catch (CorruptException)
        {
            return false;
        }
    }
}
