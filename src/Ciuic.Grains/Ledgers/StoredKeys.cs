using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Grains;

/// <summary>The public keys beside the ledger: written once, compared ever after.</summary>
internal static class StoredKeys
{
    /// <summary>Stores the keys of a new ledger, or checks that the ledger is ours.</summary>
    /// <exception cref="ConflictException">The ledger in the bucket was made with other keys.</exception>
    public static async Task EnsureAsync(LedgerBucket bucket, LedgerSigner signer, CancellationToken cancel)
    {
        var ours = signer.PublicKeys.Sign(signer.TreeHeads);
        await bucket.Store.CreateAsync(BucketLayout.Keys(bucket.Name), ours, cancel);
        var there = await bucket.GetKeysAsync(cancel);
        if (!there.AsSpan().SequenceEqual(ours)) // Ed25519 is deterministic: same keys, same bytes
        {
            throw new ConflictException(
                $"Ledger '{bucket.Name}' in {bucket.Store.Location} was made with other keys than those in the key "
                + "directory. Put its keys back (Ciuic:Ledger:KeyDirectory), or give this cluster a ledger of another name.");
        }
    }
}
