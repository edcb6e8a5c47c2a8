using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// Writes the notes of public keys beside a ledger; they are derived from its blocks, as tiles are. A note is trusted by what it
/// says, so it is read back before anything is built on it.
/// </summary>
public static class KeyNoteKeeper
{
    /// <summary>
    /// Stores the note of a new ledger, twice. Of an existing one a copy that is missing or damaged is written again, from the other or
    /// by this signer.
    /// </summary>
    /// <returns>The objects that were lost or damaged and were written again; a copy that older versions did not write is none.</returns>
    /// <exception cref="ConflictException">Both are missing, and the blocks are not this signer's.</exception>
    public static async Task<IReadOnlyList<string>> BeginAsync(LedgerBucket bucket, LedgerSigner signer, CancellationToken cancel)
    {
        var notes = await KeyNote.FetchAsync(bucket, cancel);
        if (await BeginningAsync(bucket, notes, signer, cancel) is not { } right)
            return []; // the keys it began with are not at hand any more; the notes of rotations serve
        var isNew = notes.Count == 0 && await bucket.FindTraceAsync(cancel) is null;
        var mended = new List<string>();
        foreach (var name in (string[])[BucketLayout.KeysPath, BucketLayout.KeysCopyPath])
        {
            var there = notes.Find(n => n.Name == name);
            // A whole one is left as it is, whatever it says: it may be another ledger's, and evidence.
            if (there is { IsWhole: true })
                continue;
            await StoreAsync(bucket, name, right, replace: there is not null, cancel);
            if (there is not null || (name == BucketLayout.KeysPath && !isNew))
                mended.Add(name);
        }

        return mended;
    }

    /// <summary>Stores the note after a rotation, unless it is there and right.</summary>
    /// <returns>Whether it was written.</returns>
    public static async Task<bool> KeepAsync(
        LedgerBucket bucket, long height, LedgerKeys keys, LedgerSigner signer, CancellationToken cancel)
    {
        var before = keys.TreeHead.Count > 1 ? signer.TryFind(keys.TreeHead[^2]) : null;
        var there = await bucket.Store.GetAsync(BucketLayout.KeysAfter(bucket.Name, height), cancel);
        // The keys of that time may be at hand no more: a note that has their signatures is worth more than one that has not.
        if (there is not null && Says(there, keys) && (before is null || signer.TryFind(keys.ActiveTreeHead) is null))
            return false;
        var active = signer.Find(keys.ActiveTreeHead);
        var note = before is null ? keys.Sign(active) : keys.Sign(before, active);
        if (there.AsSpan().SequenceEqual(note))
            return false;
        // Dying before or after: the note is derived again, with the next tree head or by the check of all blocks.
        await StoreAsync(bucket, BucketLayout.KeysPathAfter(height), note, replace: there is not null, cancel);
        return true;
    }

    /// <summary>What the note of the beginning must be; null where nobody can say it any more.</summary>
    private static async Task<byte[]?> BeginningAsync(
        LedgerBucket bucket, List<KeyNote> notes, LedgerSigner signer, CancellationToken cancel)
    {
        if (notes.Find(n => n.Height == KeyNote.Beginning && n.IsWhole) is { } whole)
            return whole.Bytes;
        var keys = notes.Find(n => n.IsWhole) is { } rotated ? LedgerKeys.OpenUntrusted(rotated.Bytes).Initial : signer.InitialKeys;
        await RequireOwnAsync(bucket, keys, cancel);
        return signer.TryFind(keys.ActiveTreeHead) is { } key ? keys.Sign(key) : null;
    }

    private static async Task StoreAsync(LedgerBucket bucket, string name, byte[] note, bool replace, CancellationToken cancel)
    {
        var key = BucketLayout.Tile(bucket.Name, name);
        // Of two silos that start a ledger at once one wins; the other reads the winner's keys. Dying after this line: the next
        // start finds its own note, and no block.
        if (!replace && await bucket.Store.CreateAsync(key, note, cancel) == CreateResult.AlreadyExists)
            return;
        if (replace)
            await bucket.Store.PutAsync(key, note, cancel);
        if (!(await bucket.Store.GetAsync(key, cancel)).AsSpan().SequenceEqual(note))
            await HealAsync(bucket, key, note, cancel);
    }

    /// <summary>Another silo may have written its own note over a damaged one; anything else was damaged on its way.</summary>
    private static async Task HealAsync(LedgerBucket bucket, ObjectKey key, byte[] note, CancellationToken cancel)
    {
        if (await bucket.Store.GetAsync(key, cancel) is { } there && new KeyNote(KeyNote.Beginning, key.Path, there).IsWhole)
            return;
        await bucket.Store.PutAsync(key, note, cancel);
        if (!(await bucket.Store.GetAsync(key, cancel)).AsSpan().SequenceEqual(note))
            throw new CorruptException($"{key} in {bucket.Store.Location} is not read back as it was written, twice: this store damages what it takes");
    }

    private static async Task RequireOwnAsync(LedgerBucket bucket, LedgerKeys keys, CancellationToken cancel)
    {
        if (await bucket.FindTraceAsync(cancel) is null)
            return;
        var isForeign = await BlockCopies.FindAsync(bucket, 0, bytes => BlockCopies.TryOpen(bytes, 0, keys) is not null, cancel) is null
            && await BlockCopies.FindAsync(bucket, 0, _ => true, cancel) is not null;
        if (isForeign)
        {
            throw new ConflictException(
                $"Ledger '{bucket.Name}' in {bucket.Store.Location} has blocks, but the note of its keys ({BucketLayout.Keys(bucket.Name)}) is missing or "
                + "damaged, and the keys in the key directory did not sign its first block. Bring back its keys, or that note, from a backup.");
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
