using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Closes a run: waits for what is on its way, keeps on this machine what is not committed then, gives the lease back. A store or a disk
/// that hangs holds nobody up for ever; memory that it still reads stays.
/// </summary>
internal sealed class RunEnding(
    RunId run,
    SaveOptions options,
    UnfinishedSaves unfinished,
    Saver saver,
    SaveDelivery delivery,
    SpoolWriter? spool,
    RunLease lease,
    TimeProvider time,
    ILogger logger)
{
    /// <summary>Bytes a second that this machine's disk takes at least.</summary>
    private const double SlowestDisk = 32 << 20;

    /// <summary>For what ends at once where nothing hangs.</summary>
    private static readonly TimeSpan Moments = TimeSpan.FromSeconds(10);

    /// <summary>Closes it.</summary>
    /// <param name="calls">What other threads have begun: a save that is being copied is one of those that are waited for.</param>
    /// <param name="deadline">How long saves are waited for, whether they move or not; null: as the settings say.</param>
    /// <param name="release">Gives back what uploads use.</param>
    public async Task<IReadOnlyList<EndedSave>> CloseAsync(MemoryCalls calls, TimeSpan? deadline, Action release)
    {
        // A state that is copied in parts is one that moves.
        while (!await TryAsync(calls.CloseAsync, Moments) && deadline is null && unfinished.AreWorthWaiting(Moments))
            logger.Closing(run, 1);
        var saves = unfinished.Unended();
        if (saves.Count > 0 && deadline != TimeSpan.Zero)
            logger.Closing(run, saves.Count);
        await unfinished.UntilEndedAsync(saves, deadline, CancellationToken.None);
        var disk = options.FinishDeadline + Moments + TimeSpan.FromSeconds(saves.Sum(s => s.Bytes) / SlowestDisk);
        var uploads = Task.CompletedTask;
        await TryAsync(async () => uploads = await saver.EndAsync(), disk);
        await TryAsync(delivery.EndAsync, disk);
        if (spool is not null)
            await TryAsync(() => spool.DisposeAsync().AsTask(), Moments);
        await TryAsync(lease.GiveBackAsync, Moments);
        if (await TryAsync(() => uploads, saves.Count == 0 ? Moments : TimeSpan.FromSeconds(1)))
            release();
        foreach (var left in saves.Where(s => !s.Committed.IsCompleted))
        {
            var lost = new UnavailableException($"Run {run} was closed before step {left.Step} was committed, and it could not be kept.");
            logger.NotClosed(run, lost.Message);
            left.Fail(lost);
        }

        return await Task.WhenAll(saves.Select(DescribeAsync));
    }

    private static async Task<EndedSave> DescribeAsync(SaveHandle save)
    {
        var outcome = await save.Outcome;
        try
        {
            return new EndedSave(save.Step, outcome, $"snapshot #{(await save.Committed).Sequence}");
        }
        catch (Exception error)
        {
            return new EndedSave(save.Step, outcome, ExitCode.Reason(error));
        }
    }

    /// <returns>Whether it has come to its end.</returns>
    private async Task<bool> TryAsync(Func<Task> end, TimeSpan limit)
    {
        try
        {
            await Task.Run(end).WaitAsync(limit, time);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        catch (Exception error)
        {
            logger.NotClosed(run, ExitCode.Reason(error));
            return false;
        }
    }
}
