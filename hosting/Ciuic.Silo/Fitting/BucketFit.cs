using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Silo;

/// <summary>
/// Makes sure that bucket and database belong together, before this silo joins others: with another bucket than theirs it would commit
/// into a second history.
/// </summary>
/// <param name="store">The bucket.</param>
/// <param name="memory">The database.</param>
/// <param name="ledger">The ledger in the bucket.</param>
/// <param name="signer">Its keys.</param>
/// <param name="accepted">The newest tree heads seen.</param>
/// <param name="time">The clock.</param>
internal sealed class BucketFit(
    IObjectStore store, IClusterMemory memory, string ledger, LedgerSigner signer, AcceptedHeads accepted, TimeProvider time)
{
    private readonly LedgerBucket _bucket = new(store, ledger);

    /// <summary>Compares the two; a bucket that has no identity yet gets one, and a database that knows none learns it.</summary>
    /// <returns>The identity; null where the bucket has none and takes no writes: ask again.</returns>
    /// <exception cref="InvalidInputException">They do not belong together; the message names both.</exception>
    /// <exception cref="UnavailableException">Bucket or database do not answer.</exception>
    public async Task<BucketIdentity?> RequireAsync(CancellationToken cancel)
    {
        var (there, isDamaged) = await FindAsync(cancel);
        var text = await memory.ReadAsync(BucketMark.Name, cancel);
        return BucketMark.Parse(text, memory.Location) is { } mark
            ? await CompareAsync(there, isDamaged, mark, text!, cancel)
            : await BeginAsync(there, isDamaged, cancel);
    }

    private async Task<(BucketIdentity? There, bool IsDamaged)> FindAsync(CancellationToken cancel)
    {
        try
        {
            return (await BucketIdentity.FindAsync(store, cancel), false);
        }
        catch (CorruptException)
        {
            return (null, true);
        }
    }

    private async Task<BucketIdentity?> CompareAsync(
        BucketIdentity? there, bool isDamaged, BucketMark mark, string text, CancellationToken cancel)
    {
        if (there is null)
        {
            if (!isDamaged && await WhyNotAsync(mustBeSeen: true, cancel) is { } why)
                throw Misfit($"has no identity, and {why}", mark);
            await TryAsync(() => mark.Identity.RestoreAsync(store, cancel));
            return mark.Identity;
        }

        if (there != mark.Identity)
            throw Misfit($"is the bucket {there.Id}", mark);
        if (mark.Location != store.Location)
            await memory.TryWriteAsync(BucketMark.Name, text, (mark with { Location = store.Location }).Encode(), cancel); // only for messages
        return there;
    }

    private async Task<BucketIdentity?> BeginAsync(BucketIdentity? there, bool isDamaged, CancellationToken cancel)
    {
        if (await WhyNotAsync(mustBeSeen: false, cancel) is { } why)
        {
            throw new InvalidInputException(
                $"The bucket {store.Location} does not fit this silo's database {memory.Location}: {why}. Correct Ciuic:Store:Uri or Ciuic:Database.");
        }

        if (isDamaged) // and nobody knows what was there
            throw new CorruptException($"{store.Location}: the object '{BucketLayout.Identity}', which says which bucket this is, is damaged. Bring it back from a backup, or delete it.");
        if (there is null && !await TryAsync(async () => there = await BucketIdentity.EnsureAsync(store, time, cancel)))
            return null;
        // First the bucket, then the database: dying between, the next start finds the one and learns it. Of silos that start at once with
        // different buckets one writes this, and the others are told that they do not fit.
        if (await memory.TryWriteAsync(BucketMark.Name, null, new BucketMark(there!, store.Location).Encode(), cancel))
            return there;
        return await RequireAsync(cancel);
    }

    /// <summary>
    /// Why this can be no bucket of this database, by what its ledger shows; null where it may be. Databases that were filled before
    /// buckets had identities are told by this alone.
    /// </summary>
    /// <param name="mustBeSeen">Whether something must show that it is; otherwise nothing must show that it is not.</param>
    /// <param name="cancel">Ends the reading.</param>
    private async Task<string?> WhyNotAsync(bool mustBeSeen, CancellationToken cancel)
    {
        var head = await accepted.RecallAsync(_bucket, signer.TreeHeadVerifiers, cancel);
        if (head is not null)
        {
            try
            {
                await accepted.CheckAsync(_bucket, await KeysAsync(cancel), cancel);
                return null;
            }
            catch (CorruptException error)
            {
                return $"its ledger is not the one that was seen before, or an older copy of it: {error.Message}";
            }
        }

        if (await _bucket.FindTraceAsync(cancel) is null && await memory.HasSnapshotsAsync(cancel))
            return "the database knows snapshots of runs, and there is nothing of a ledger in the bucket";
        return mustBeSeen ? "nothing in it shows that it is the one" : null;
    }

    /// <summary>Notes of keys that were lost are written again from the blocks, once the ledger is opened.</summary>
    private async Task<LedgerKeys> KeysAsync(CancellationToken cancel)
    {
        try
        {
            return (await KeyNotes.ReadAsync(_bucket, signer.TreeHeadVerifiers, cancel)).Newest;
        }
        catch (Exception error) when (error is CorruptException or NotFoundException)
        {
            return signer.InitialKeys;
        }
    }

    /// <summary>What only a bucket that takes writes can have is tried again later.</summary>
    private static async Task<bool> TryAsync(Func<Task> write)
    {
        try
        {
            await write();
            return true;
        }
        catch (UnavailableException)
        {
            return false;
        }
    }

    private InvalidInputException Misfit(string what, BucketMark mark) => new(
        $"This silo does not fit its database: {store.Location} {what}; {memory.Location} belongs to the bucket {mark.Identity.Id}, last seen at "
        + $"{mark.Location}. Correct Ciuic:Store:Uri or Ciuic:Database. (To begin anew, take an empty bucket and an empty database, both.)");
}
