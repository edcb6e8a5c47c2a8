using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>A save on its way. The trainer may forget it; errors are logged and told by the next save too.</summary>
public sealed class SaveHandle
{
    private readonly TaskCompletionSource<SnapshotLink> _committed =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly Lazy<Task<SnapshotLink>> _final;
    private Func<Task>? _untilFinal;

    internal SaveHandle(long step, TimeSpan stall, long bytes, IReadOnlyList<Exception> earlierErrors)
    {
        Step = step;
        Stall = stall;
        Bytes = bytes;
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
    /// why, and names the damage where verification found some.
    /// </summary>
    public Task<SnapshotLink> Committed => _committed.Task;

    /// <summary>
    /// Completes when the snapshot is committed and a published tree head covers it that the quorum of the silos' policy has
    /// cosigned: then not even the ledger's own key can take it back unnoticed. Fails as <see cref="Committed"/> does, and is
    /// cancelled when the run is closed. Asking the silos begins when this is read for the first time.
    /// </summary>
    public Task<SnapshotLink> Final => _final.Value;

    internal void Commit(SnapshotLink link, Func<Task> untilFinal)
    {
        _untilFinal = untilFinal;
        _committed.TrySetResult(link);
    }

    internal void Fail(Exception error) => _committed.TrySetException(error);

    private async Task<SnapshotLink> UntilFinalAsync()
    {
        var link = await Committed;
        await _untilFinal!();
        return link;
    }
}
