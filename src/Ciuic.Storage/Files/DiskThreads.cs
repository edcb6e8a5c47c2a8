using System.Collections.Concurrent;

namespace Ciuic.Storage;

/// <summary>
/// Threads for calls that block until a disk is done. On the pool's own threads, of which there are no more than cores, they would
/// keep the cores from hashing and packing meanwhile. Several flushes at once cost a journaling file system one commit. Threads
/// come when there is work and go when there is none.
/// </summary>
internal sealed class DiskThreads : TaskScheduler
{
    /// <summary>Calls in flight at most: a disk's queue gains nothing from more.</summary>
    private const int MaxThreads = 32;

    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(5);

    private readonly BlockingCollection<Task> _work = [];
    private readonly Lock _lock = new();
    private int _threads;
    private int _claimed;

    /// <summary>The process's own; disks are shared by all stores on them.</summary>
    public static DiskThreads Shared { get; } = new();

    /// <summary>Runs a blocking call.</summary>
    public Task<T> RunAsync<T>(Func<T> call) =>
        Task.Factory.StartNew(call, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this);

    /// <inheritdoc/>
    protected override void QueueTask(Task task)
    {
        lock (_lock)
        {
            _claimed++;
            if (_claimed > _threads && _threads < MaxThreads)
            {
                _threads++;
                new Thread(Work) { IsBackground = true, Name = "Ciuic disk" }.Start();
            }
        }

        _work.Add(task);
    }

    /// <summary>Never on the caller's thread: that is what these threads are for.</summary>
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    /// <inheritdoc/>
    protected override IEnumerable<Task> GetScheduledTasks() => _work;

    private void Work()
    {
        while (_work.TryTake(out var task, IdleTime) || !TryRetire())
        {
            if (task is null)
                continue;
            TryExecuteTask(task);
            lock (_lock)
                _claimed--;
        }
    }

    /// <summary>Whether this thread may go: not while a task counts on it that was queued a moment ago.</summary>
    private bool TryRetire()
    {
        lock (_lock)
        {
            if (_claimed >= _threads)
                return false;
            _threads--;
            return true;
        }
    }
}
