using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Client;

/// <summary>
/// Makes sure, before anything is read or saved, that this program's bucket is the silos': with another one every save would be
/// aborted because nobody finds its shards, and with an older copy history would be rolled back.
/// </summary>
/// <param name="store">This program's bucket; null where bytes go through the silo itself.</param>
/// <param name="ledger">The ledger that this program reads.</param>
/// <param name="coordinator">The cluster.</param>
internal sealed class StoreFit(IObjectStore? store, string ledger, ICoordinator coordinator)
{
    private readonly KnownBucket? _own = store is null ? null : new KnownBucket(store);

    /// <summary>Whether the two have been compared; not as long as one of them says nothing.</summary>
    public bool IsKnown { get; private set; }

    /// <summary>The bucket's identity; null as long as neither side has said it.</summary>
    public string? Bucket { get; private set; }

    /// <summary>Compares; where a side cannot say which bucket it is, nothing is known yet.</summary>
    /// <exception cref="InvalidInputException">They are not the same; the message names both.</exception>
    /// <exception cref="UnavailableException">No silo answers.</exception>
    public async Task CheckAsync(CancellationToken cancel)
    {
        if (await coordinator.DescribeBucketAsync(cancel) is not { } silo) // of an older release
            return;
        if (silo.Ledger != ledger)
        {
            throw new InvalidInputException(
                $"This program reads the ledger '{ledger}' (Ciuic:Client:Ledger), the silos' is '{silo.Ledger}' in {silo.Store}: set it to theirs.");
        }

        if (_own is null)
            (IsKnown, Bucket) = (true, silo.Bucket);
        else if (silo.Bucket is not null)
            await CompareAsync(_own, silo, cancel);
    }

    private async Task CompareAsync(KnownBucket own, BucketView silo, CancellationToken cancel)
    {
        try
        {
            var id = await own.FindAsync(cancel);
            if (id?.ToString() != silo.Bucket)
                throw Misfit(own.Location, id, silo);
            (IsKnown, Bucket) = (true, silo.Bucket);
        }
        catch (Exception error) when (error is UnavailableException or CorruptException)
        {
            // A bucket that is away stops nobody from training, and a damaged object of this kind is put back by a silo.
        }
    }

    private static InvalidInputException Misfit(string location, BucketId? own, BucketView silo) => new(
        $"This program does not fit its silo: its store is {location}, {(own is { } id ? $"the bucket {id}" : "which is no bucket that a silo has started on")}; "
        + $"the silo stands on {silo.Store}, the bucket {silo.Bucket}. Set Ciuic:Store:Uri to the silo's store, in full; or Ciuic:Client:Mode to Http and "
        + "Ciuic:Store:Uri to gateway:, and bytes go through the silo.");
}
