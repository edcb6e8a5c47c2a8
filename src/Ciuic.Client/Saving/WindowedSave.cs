using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Client;

/// <summary>
/// A save of a state that is larger than the staging memory: a window of it is copied while the one before is stored. Training
/// waits until the last one is copied, but not for a store that stands still.
/// </summary>
/// <param name="buffers">Staging memory; each window takes half of it.</param>
/// <param name="plan">What is saved.</param>
/// <param name="storeAsync">Stores one window.</param>
internal sealed class WindowedSave(StagingBuffers buffers, StagingPlan plan, Func<StagedShard, CancellationToken, Task> storeAsync)
{
    private readonly Task[] _storing = [Task.CompletedTask, Task.CompletedTask];
    private readonly CancellationTokenSource _givenUp = new();

    /// <summary>Ends when nothing of this save uses the staging memory any more.</summary>
    public Task Done => Task.WhenAll(_storing);

    /// <summary>Copies all windows.</summary>
    /// <param name="maxWait">How long one of them may wait for a place.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="InvalidInputException">No part of the state fits into half of the staging memory.</exception>
    /// <exception cref="UnavailableException">The store did not take a window in time.</exception>
    public async Task CopyAsync(TimeSpan maxWait, TimeProvider time, CancellationToken cancel)
    {
        try
        {
            await CopyAllAsync(maxWait, time, cancel);
        }
        catch
        {
            await _givenUp.CancelAsync(); // the other half is stored for nothing
            throw;
        }
    }

    private async Task CopyAllAsync(TimeSpan maxWait, TimeProvider time, CancellationToken cancel)
    {
        var windows = plan.Windows(buffers.MaxBytes / 2);
        var halves = buffers.TakeHalves(windows.Max(w => Length(w)));
        for (var i = 0; i < windows.Count; i++)
        {
            await Task.WhenAny(_storing[i % 2], Task.Delay(maxWait, time, cancel));
            if (!_storing[i % 2].IsCompleted)
                throw GiveUp(i, windows.Count, maxWait);
            await _storing[i % 2]; // throws what went wrong
            var window = StagedShard.Stage(halves[i % 2], plan, windows[i]);
            _storing[i % 2] = Task.Run(() => storeAsync(window, _givenUp.Token), CancellationToken.None);
        }
    }

    private static UnavailableException GiveUp(int window, int windows, TimeSpan maxWait) => new(
        $"The state is larger than Ciuic:Save:MaxStagingBytes and is saved in {windows} parts; the store did not take part {window - 1} "
        + $"within Ciuic:Save:MaxWait ({maxWait}), or the waiting was cancelled; training goes on.");

    private long Length(StagingWindow window)
    {
        var last = plan.Chunks[window.First + window.Count - 1];
        return last.Offset + last.Length - plan.Chunks[window.First].Offset;
    }
}
