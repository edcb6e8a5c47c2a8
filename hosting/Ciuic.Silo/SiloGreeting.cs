using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans;

namespace Ciuic.Silo;

/// <summary>
/// After the silo has started: opens the ledger, so that a damaged or foreign one is reported now and not at the
/// first save, and says where everything is. Beside the start: a long ledger takes its time, and runs can be read meanwhile.
/// </summary>
internal sealed partial class SiloGreeting(SiloSummary summary, IGrainFactory grains, ILogger<SiloGreeting> logger)
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
                Console.WriteLine(summary.Greet(await ledger.DescribeAsync().WaitAsync(_stopping.Token)));
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

    [LoggerMessage(41, LogLevel.Warning, "Ledger {Ledger}: committed blocks are not final yet: {Error}")]
    private static partial void NotFinal(ILogger logger, string ledger, string error);

    [LoggerMessage(42, LogLevel.Warning, "Ledger {Ledger} is still being opened: {Error}")]
    private static partial void StillOpening(ILogger logger, string ledger, string error);

    [LoggerMessage(40, LogLevel.Critical, "Ledger {Ledger} cannot be written: {Error}")]
    private static partial void LedgerUnusable(ILogger logger, string ledger, string error);
}
