using Ciuic.Contracts;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace Ciuic.Grains;

/// <summary>Tells what every silo of the cluster has compared before it joined. A bucket that does not answer holds nobody up.</summary>
[StatelessWorker(MaxActivations), Reentrant] // has no state
internal sealed class BucketGrain(KnownBucket bucket, LedgerSigner signer, IOptions<LedgerOptions> ledger, TimeProvider time)
    : Grain, IBucketGrain
{
    private const int MaxActivations = 1;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public async Task<BucketView> DescribeAsync() => new()
    {
        Bucket = (await bucket.TryFindAsync(Patience, time))?.ToString(),
        Store = bucket.Location,
        Ledger = ledger.Value.Name,
        Origin = signer.Origin,
    };
}
