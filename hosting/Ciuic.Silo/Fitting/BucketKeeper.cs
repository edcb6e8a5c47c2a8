using Ciuic.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ciuic.Silo;

/// <summary>
/// Completes what could not be done at start because the bucket took no writes: its identity. Should another silo have begun with another
/// bucket meanwhile, this one ends.
/// </summary>
internal sealed partial class BucketKeeper(
    BucketFit fit, IHostApplicationLifetime lifetime, SiloEnd end, TimeProvider time, ILogger<BucketKeeper> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await fit.RequireAsync(stoppingToken) is not null)
                    return;
            }
            catch (InvalidInputException error)
            {
                DoesNotFit(logger, error.Message);
                end.Error = error;
                lifetime.StopApplication();
                return;
            }
            catch (CiuicException error)
            {
                NotYet(logger, error.Message);
            }

            await Task.Delay(Pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(50, LogLevel.Critical, "{Error}")]
    private static partial void DoesNotFit(ILogger logger, string error);

    [LoggerMessage(51, LogLevel.Warning, "Which bucket this is could not be written down yet: {Error}")]
    private static partial void NotYet(ILogger logger, string error);
}
