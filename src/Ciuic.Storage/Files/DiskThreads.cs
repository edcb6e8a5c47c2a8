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

    /// <summary>Runs a blocking call.</summary>
    /// <param name="call">The call; cannot be cancelled once it has begun.</param>
    /// <param name="cancel">Ends the waiting for a thread.</param>
    public Task<T> RunAsync<T>(Func<T> call, CancellationToken cancel) =>
        Task.Factory.StartNew(call, cancel, TaskCreationOptions.DenyChildAttach, this);

    /// <inheritdoc/>
    protected override void QueueTask(Task task)
    {
        lock (_lock)
        {
            _claimed++;
            if (_claimed > _threads && _threads < MaxThreads && !TryStart() && _threads == 0)
            {
                _claimed--;
                throw new IOException("No thread can be started to wait for the disk.");
            }
        }

        _work.Add(task);
    }

    /// <summary>Never on the caller's thread: that is what these threads are for.</summary>
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    /// <inheritdoc/>
    protected override IEnumerable<Task> GetScheduledTasks() => _work;

    /// <summary>Where the system gives no more threads, those that are there do the work.</summary>
    private bool TryStart()
    {
        try
        {
            new Thread(Work) { IsBackground = true, Name = "Ciuic disk" }.Start();
            _threads++;
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

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
