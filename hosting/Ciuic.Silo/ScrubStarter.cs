using Ciuic.Contracts;
using Microsoft.Extensions.Hosting;
using Orleans;

namespace Ciuic.Silo;

/// <summary>Makes sure that all scrubs are under way once this silo is; they then find their silos by themselves.</summary>
internal sealed class ScrubStarter(IGrainFactory grains, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var shelf = 0; shelf < ICatalogueGrain.Shelves;)
        {
            try
            {
                await Task.Delay(shelf == 0 ? Patience : TimeSpan.Zero, time, stoppingToken); // those who train come first
                await grains.GetGrain<IScrubGrain>(shelf).StartAsync();
                shelf++;
            }
            catch (Exception) when (!stoppingToken.IsCancellationRequested)
            {
                await Task.Delay(Patience, time, stoppingToken);
            }
        }
    }
}
