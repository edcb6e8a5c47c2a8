using System.Globalization;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;

namespace Ciuic.Grains;

/// <summary>
/// Goes over all objects of a ledger, once for each activation and from time to time, beside the appends: puts back what is there a
/// second time, and stops the appends where that is not so.
/// Used on one grain's scheduler only.
/// </summary>
internal sealed class LedgerGuard(
    LedgerBucket bucket, LedgerSigner signer, LedgerOptions options, TimeProvider time, ILogger logger)
{
    /// <summary>Objects that are told one by one.</summary>
    private const int MaxMended = 20;

    private readonly CancellationTokenSource _stopping = new();
    private readonly Queue<string> _mended = [];
    private Task _check = Task.CompletedTask;
    private LedgerTip? _checked;
    private string? _damage;
    private bool _storeIsInDoubt;
    private DateTimeOffset _endedAt;

    /// <summary>When all objects of the ledger were last found right, or put right; null where they never were.</summary>
    public DateTimeOffset? WholeAt { get; private set; }

    /// <summary>The newest objects that were written again because they were missing or damaged, and when.</summary>
    public IReadOnlyCollection<string> Mended => _mended;

    /// <summary>Takes note of objects that were written again.</summary>
    public void Note(IReadOnlyCollection<string> mended)
    {
        if (mended.Count == 0)
            return;
        logger.Mended(bucket.Name, string.Join(", ", mended.Take(MaxMended)));
        foreach (var name in mended.TakeLast(MaxMended))
            _mended.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{time.GetUtcNow():u} {name}"));
        while (_mended.Count > MaxMended)
            _mended.Dequeue();
    }

    /// <summary>Stops all appending because of what the writer has seen of the store, until that and all blocks have been tried again.</summary>
    public void Stop(LedgerTip tip, string damage)
    {
        (_checked, _damage, _endedAt, _storeIsInDoubt) = (tip, damage, time.GetUtcNow(), true);
        logger.Damaged(bucket.Name, damage);
    }

    /// <summary>
    /// Looks at the ledger from time to time, whether anybody appends or not: at the notes of its keys, without which nobody can read
    /// it, and after <see cref="LedgerOptions.ScrubInterval"/> at everything.
    /// </summary>
    public async Task LookAsync(LedgerTip tip)
    {
        if (!_check.IsCompleted)
            return;
        if (time.GetUtcNow() - _endedAt >= options.ScrubInterval)
            await (_check = RunAsync(tip));
        else
            Note(await KeyNoteKeeper.BeginAsync(bucket, signer, _stopping.Token));
    }

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
            if (_storeIsInDoubt)
                await CreateProbe.RunAsync(bucket.Store, time, _stopping.Token);
            _storeIsInDoubt = false;
            var mended = await new LedgerCheck(bucket, signer).RunAsync(tip, _stopping.Token);
            (_checked, _damage, WholeAt) = (tip, null, time.GetUtcNow());
            Note(mended);
            logger.Checked(bucket.Name, tip.Size, mended.Count);
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
