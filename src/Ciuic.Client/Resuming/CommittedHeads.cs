using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Remembers tree heads that cover what this process has committed, beside the saves: a bucket that is put back behind a commit which this
/// machine was told of is refused at its next resume, and said at once while it trains. Training never waits for it.
/// </summary>
/// <param name="watch">Compares and remembers.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Told when history contradicts itself.</param>
internal sealed class CommittedHeads(LedgerWatch watch, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    /// <summary>A silo publishes a tree head a second after the commit, unless it waits for witnesses; saves that follow share one look.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    /// <summary>How long the end of the program waits for the last look.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _lock = new();
    private Task _worker = Task.CompletedTask;
    private bool _isDue;

    /// <summary>Takes note that a save was committed.</summary>
    public void Announce(RunId run)
    {
        lock (_lock)
        {
            _isDue = true;
            if (_worker.IsCompleted && !_ending.IsCancellationRequested)
                _worker = Task.Run(() => WorkAsync(run));
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task worker;
        lock (_lock)
            worker = _worker;
        await worker.WaitAsync(Patience, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _ending.CancelAsync();
        await worker.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ending.Dispose();
    }

    private async Task WorkAsync(RunId run)
    {
        while (Take())
        {
            await Task.Delay(Pause, time, _ending.Token);
            try
            {
                await watch.CheckAsync(run, logger, mustAnswer: true, _ending.Token);
            }
            catch (CorruptException error)
            {
                logger.HistoryRewritten(run, error.Message);
            }
            catch (UnavailableException)
            {
                // The next commit looks again, and so does the next resume.
            }
        }
    }

    private bool Take()
    {
        lock (_lock)
        {
            var isDue = _isDue;
            _isDue = false;
            return isDue;
        }
    }
}
