using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>One stored note of a ledger's keys, as it was found.</summary>
/// <param name="Height">The block that rotated keys; <see cref="Beginning"/> for what the ledger began with.</param>
/// <param name="Name">The object below the ledger.</param>
/// <param name="Bytes">Its bytes, unchecked.</param>
internal sealed record KeyNote(long Height, string Name, byte[] Bytes)
{
    /// <summary>Stands for the note a ledger begins with.</summary>
    public const long Beginning = -1;

    /// <summary>Whether it is a note that its own keys have signed.</summary>
    public bool IsWhole
    {
        get
        {
            try
            {
                LedgerKeys.OpenUntrusted(Bytes);
                return true;
            }
            catch (CorruptException)
            {
                return false;
            }
        }
    }

    /// <summary>All notes of a ledger, oldest first; what it began with may be there twice.</summary>
    public static async Task<List<KeyNote>> FetchAsync(LedgerBucket bucket, CancellationToken cancel)
    {
        var notes = new List<KeyNote>();
        foreach (var name in (string[])[BucketLayout.KeysPath, BucketLayout.KeysCopyPath])
            await AddAsync(Beginning, name);
        foreach (var height in await bucket.ListRotationsAsync(cancel))
            await AddAsync(height, BucketLayout.KeysPathAfter(height));
        return notes;

        async Task AddAsync(long height, string name)
        {
            if (await bucket.GetTileAsync(name, cancel) is { } bytes)
                notes.Add(new KeyNote(height, name, bytes));
        }
    }
}
