using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>A save on its way. The trainer may forget it; errors are logged and told by the next save too.</summary>
public sealed class SaveHandle
{
    private readonly TaskCompletionSource<SnapshotLink> _committed =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal SaveHandle(long step, TimeSpan stall, long bytes, IReadOnlyList<Exception> earlierErrors)
    {
        Step = step;
        Stall = stall;
        Bytes = bytes;
        EarlierErrors = earlierErrors;
        // A program that never looks at the task has still been told by the log.
        _ = _committed.Task.ContinueWith(t => t.Exception, TaskContinuationOptions.OnlyOnFaulted);
    }

    /// <summary>The step that was saved.</summary>
    public long Step { get; }

    /// <summary>How long the trainer waited: for the copy into the staging buffer.</summary>
    public TimeSpan Stall { get; }

    /// <summary>Plain bytes of the shard.</summary>
    public long Bytes { get; }

    /// <summary>What went wrong with earlier saves since the last one was begun.</summary>
    public IReadOnlyList<Exception> EarlierErrors { get; }

    /// <summary>
    /// Completes when the snapshot is verified and in the ledger. Fails with <see cref="FencedException"/> when a newer
    /// attempt owns the run, <see cref="CorruptException"/> when verification found damage,
    /// <see cref="UnavailableException"/> when it was skipped, gave way or was aborted.
    /// </summary>
    public Task<SnapshotLink> Committed => _committed.Task;

    internal void Commit(SnapshotLink link) => _committed.TrySetResult(link);

    internal void Fail(Exception error) => _committed.TrySetException(error);
}
