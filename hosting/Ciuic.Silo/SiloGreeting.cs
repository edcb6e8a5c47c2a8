using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans;

namespace Ciuic.Silo;

/// <summary>
/// After the silo has started: opens the ledger, so that a damaged or foreign one is reported now and not at the
/// first save, and says where everything is.
/// </summary>
internal sealed partial class SiloGreeting(SiloSummary summary, IGrainFactory grains, ILogger<SiloGreeting> logger)
    : IHostedLifecycleService
{
    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        var name = summary.Settings.Ledger.Name;
        var ledger = grains.GetGrain<ILedgerGrain>(name);
        try
        {
            await ledger.PublishAsync();
        }
        catch (UnavailableException error)
        {
            // Commits go on; the ledger tries again by itself.
            NotFinal(logger, name, error.Message);
        }
        catch (CiuicException error)
        {
            // The silo stays up: runs can be read and restored; nothing will be committed until this is mended.
            LedgerUnusable(logger, name, error.Message);
        }

        Console.WriteLine(summary.Greet(await ledger.DescribeAsync()));
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(41, LogLevel.Warning, "Ledger {Ledger}: committed blocks are not final yet: {Error}")]
    private static partial void NotFinal(ILogger logger, string ledger, string error);

    [LoggerMessage(40, LogLevel.Critical, "Ledger {Ledger} cannot be written: {Error}")]
    private static partial void LedgerUnusable(ILogger logger, string ledger, string error);
}
