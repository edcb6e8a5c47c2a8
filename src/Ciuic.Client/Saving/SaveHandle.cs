using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>A save on its way. The trainer may forget it; errors are logged and told by the next save too.</summary>
public sealed class SaveHandle
{
    private static long _count;

    private readonly TaskCompletionSource<SnapshotLink> _committed =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly TaskCompletionSource<SaveOutcome> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lazy<Task<SnapshotLink>> _final;
    private Func<Task>? _untilFinal;

    internal SaveHandle(long step, TimeSpan stall, long bytes, int chunks, IReadOnlyList<Exception> earlierErrors)
    {
        Step = step;
        Stall = stall;
        Bytes = bytes;
        Chunks = chunks;
        EarlierErrors = earlierErrors;
        _final = new Lazy<Task<SnapshotLink>>(UntilFinalAsync);
        // A program that never looks at the task has still been told by the log.
        _ = _committed.Task.ContinueWith(t => t.Exception, TaskContinuationOptions.OnlyOnFaulted);
    }

    /// <summary>The step that was saved.</summary>
    public long Step { get; }

    /// <summary>
    /// How long the trainer waited: for the copy into the staging buffer, and, where the state is larger than that, for the store.
    /// </summary>
    public TimeSpan Stall { get; }

    /// <summary>Plain bytes of the shard.</summary>
    public long Bytes { get; }

    /// <summary>What went wrong with earlier saves since the last one was begun.</summary>
    public IReadOnlyList<Exception> EarlierErrors { get; }

    /// <summary>
    /// Completes when the snapshot is verified and in the ledger. Fails with <see cref="FencedException"/> when a newer
    /// attempt owns the run, <see cref="UnavailableException"/> when it was skipped, gave way, or was aborted: the message says
    /// why, and names the damage where verification found some. Of one that is kept on this machine the message says where:
    /// <see cref="Outcome"/> tells the two apart.
    /// </summary>
    public Task<SnapshotLink> Committed => _committed.Task;

    /// <summary>What becomes of the save, once that is known; never fails.</summary>
    public Task<SaveOutcome> Outcome => _outcome.Task;

    /// <summary>
    /// Completes when the snapshot is committed and a published tree head covers it that the quorum of the silos' policy has
    /// cosigned: then not even the ledger's own key can take it back unnoticed. Fails as <see cref="Committed"/> does, and is
    /// cancelled when the run is closed. Asking the silos begins when this is read for the first time.
    /// </summary>
    public Task<SnapshotLink> Final => _final.Value;

    /// <summary>The order of a process' saves, two of one step included.</summary>
    internal long Number { get; } = Interlocked.Increment(ref _count);

    /// <summary>Chunks of the shard.</summary>
    internal int Chunks { get; }

    internal void Commit(SnapshotLink link, Func<Task> untilFinal)
    {
        _untilFinal = untilFinal;
        if (_committed.TrySetResult(link))
            _outcome.TrySetResult(SaveOutcome.Committed);
    }

    /// <returns>Whether it had no outcome yet.</returns>
    internal bool Fail(Exception error) => End(error, SaveOutcome.Failed);

    /// <summary>It is kept on this machine.</summary>
    /// <returns>Whether it had no outcome yet.</returns>
    internal bool Spool(string message) => End(new UnavailableException(message), SaveOutcome.Spooled);

    private bool End(Exception error, SaveOutcome outcome)
    {
        var isFirst = _committed.TrySetException(error);
        if (isFirst)
            _outcome.TrySetResult(outcome);
        return isFirst;
    }

    private async Task<SnapshotLink> UntilFinalAsync()
    {
        var link = await Committed;
        await _untilFinal!();
        return link;
    }
}
