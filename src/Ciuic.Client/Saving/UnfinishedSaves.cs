using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>Saves of a run that are on their way: what the end of a program waits for.</summary>
/// <param name="run">The run.</param>
/// <param name="terminateDeadline">How long they are waited for once the process was told to end.</param>
/// <param name="stopping">Cancelled when it is.</param>
internal sealed class UnfinishedSaves(RunId run, TimeSpan terminateDeadline, CancellationToken stopping)
{
    private readonly List<SaveHandle> _saves = [];

    public void Add(SaveHandle save)
    {
        _saves.RemoveAll(s => s.Committed.IsCompleted);
        _saves.Add(save);
    }

    /// <inheritdoc cref="TrainingRun.FinishAsync"/>
    public async Task FinishAsync(CancellationToken cancel)
    {
        if (_saves.Count == 0)
            return;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var signal = stopping.Register(() => deadline.CancelAfter(terminateDeadline));
        foreach (var before in _saves.SkipLast(1))
            await ((Task)before.Committed).WaitAsync(deadline.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancel.ThrowIfCancellationRequested();
        await UntilCommittedAsync(_saves[^1], deadline.Token, cancel);
    }

    /// <summary>Waits until none is on its way, whatever becomes of it.</summary>
    public async Task SettleAsync(CancellationToken cancel)
    {
        foreach (var save in _saves.ToList())
            await ((Task)save.Committed).WaitAsync(cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancel.ThrowIfCancellationRequested();
    }

    /// <summary>Waits for them all.</summary>
    /// <returns>The code for the end of the process; the log and the handle have told what it stands for.</returns>
    public async Task<int> OutcomeAsync()
    {
        try
        {
            await FinishAsync(CancellationToken.None);
            return ExitCode.Ok;
        }
        catch (Exception error)
        {
            return ExitCode.For(error);
        }
    }

    private async Task UntilCommittedAsync(SaveHandle handle, CancellationToken deadline, CancellationToken cancel)
    {
        try
        {
            await handle.Committed.WaitAsync(deadline);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new UnavailableException(
                $"Run {run} was told to end, and step {handle.Step} was not committed within Ciuic:Save:TerminateDeadline "
                + $"({terminateDeadline}).");
        }
    }
}
