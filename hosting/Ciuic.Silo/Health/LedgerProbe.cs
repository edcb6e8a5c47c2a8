using Ciuic.Contracts;
using Ciuic.Core;
using Orleans;

namespace Ciuic.Silo;

/// <summary>Asks the ledger's grain, wherever in the cluster it lives, whether it would append.</summary>
/// <param name="grains">The cluster.</param>
/// <param name="ledger">The ledger's name.</param>
internal sealed class LedgerProbe(IGrainFactory grains, string ledger)
{
    public async Task RunAsync(CancellationToken cancel)
    {
        var view = await grains.GetGrain<ILedgerGrain>(ledger).DescribeAsync().WaitAsync(cancel);
        if (view.Damage is { } damage)
            throw new UnavailableException(damage);
    }
}
