using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans;

namespace Ciuic.Silo;

/// <summary>
/// After the silo has started: opens the ledger, so that a damaged or foreign one is reported now and not at the
/// first save, and says where everything is. Beside the start: a long ledger takes its time, and runs can be read meanwhile.
/// </summary>
internal sealed partial class SiloGreeting(
    SiloSummary summary, IGrainFactory grains, IConfiguration configuration, ILogger<SiloGreeting> logger)
    : IHostedLifecycleService, IDisposable
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private Task _greeting = Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _greeting = GreetAsync();
        return Task.CompletedTask;
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _greeting;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _stopping.Dispose();

    private async Task GreetAsync()
    {
        var name = summary.Settings.Ledger.Name;
        var ledger = grains.GetGrain<ILedgerGrain>(name);
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await PublishAsync(ledger, name);
                Greet(await ledger.DescribeAsync().WaitAsync(_stopping.Token));
                return;
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // The grain goes on reading, however often a call to it has timed out.
                StillOpening(logger, name, ExitCode.Reason(error));
                await Task.Delay(LookAgain, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Greet(LedgerView ledger)
    {
        if (SiloLogging.IsForPrograms(configuration))
            Ready(logger, summary.Api, summary.Database.Location, summary.Store.Location, ledger.Name, ledger.Size, ledger.TreeHeadKeys[^1]);
        else
            Console.WriteLine(summary.Greet(ledger));
    }

    private async Task PublishAsync(ILedgerGrain ledger, string name)
    {
        try
        {
            await ledger.PublishAsync().WaitAsync(_stopping.Token);
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
    }

    [LoggerMessage(43, LogLevel.Information,
        "Ciuic silo is ready. HTTP API: {Api}; database: {Database}; store: {Store}; ledger: {Ledger}, {Blocks} blocks, verifier key {Key}")]
    private static partial void Ready(ILogger logger, string api, string database, string store, string ledger, long blocks, string key);

    [LoggerMessage(41, LogLevel.Warning, "Ledger {Ledger}: committed blocks are not final yet: {Error}")]
    private static partial void NotFinal(ILogger logger, string ledger, string error);

    [LoggerMessage(42, LogLevel.Warning, "Ledger {Ledger} is still being opened: {Error}")]
    private static partial void StillOpening(ILogger logger, string ledger, string error);

    [LoggerMessage(40, LogLevel.Critical, "Ledger {Ledger} cannot be written: {Error}")]
    private static partial void LedgerUnusable(ILogger logger, string ledger, string error);
}
