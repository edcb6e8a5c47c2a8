using Ciuic.Core;
using Ciuic.Snapshots;
using Microsoft.Extensions.Logging;

namespace Ciuic.Grains;

/// <summary>
/// Goes over all blocks of a ledger once for each activation, beside the appends, and stops them where it finds damage.
/// Used on one grain's scheduler only.
/// </summary>
internal sealed class LedgerGuard(
    LedgerBucket bucket, LedgerSigner signer, LedgerOptions options, TimeProvider time, ILogger logger)
{
    private readonly CancellationTokenSource _stopping = new();
    private Task _check = Task.CompletedTask;
    private LedgerTip? _checked;
    private string? _damage;
    private DateTimeOffset _endedAt;

    /// <summary>Refuses to go on with a damaged ledger, and looks again from time to time: somebody may have mended it.</summary>
    /// <exception cref="CorruptException">The last check found damage.</exception>
    public void RequireWhole()
    {
        if (_damage is null)
            return;
        if (_check.IsCompleted && time.GetUtcNow() - _endedAt > options.RecheckInterval)
            _check = RunAsync(_checked!);
        if (_damage is not null)
            throw new CorruptException(_damage);
    }

    /// <summary>Begins the check of a ledger that was just loaded, and waits for it for a while.</summary>
    /// <exception cref="CorruptException">There is damage.</exception>
    public async Task CheckAsync(LedgerTip tip)
    {
        if (!options.CheckAtStart)
            return;
        if (_checked is null && _check.IsCompleted)
            _check = RunAsync(tip);
        // Most ledgers are read in a moment; a very long one is not waited for, and stops appending when damage is found.
        await Task.WhenAny(_check, Task.Delay(options.CheckPatience, time, _stopping.Token));
        RequireWhole();
    }

    public async Task StopAsync(CancellationToken cancel)
    {
        await _stopping.CancelAsync();
        await _check.WaitAsync(cancel).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    private async Task RunAsync(LedgerTip tip)
    {
        try
        {
            var mended = await new LedgerCheck(bucket, signer).RunAsync(tip, _stopping.Token);
            (_checked, _damage) = (tip, null);
            logger.Checked(bucket.Name, tip.Size, mended);
        }
        catch (CorruptException error)
        {
            (_checked, _damage) = (tip, error.Message);
            logger.Damaged(bucket.Name, error.Message);
        }
        catch (Exception error)
        {
            // The store is away, or the silo ends: the next load begins again.
            logger.NotChecked(bucket.Name, error.Message);
        }

        _endedAt = time.GetUtcNow();
    }
}
