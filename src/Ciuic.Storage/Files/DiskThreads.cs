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

    private readonly Queue<Task> _work = [];
    private readonly object _lock = new(); // waited on without spinning: whoever saves needs the cores
    private int _threads;
    private int _idle;

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
            if (_idle <= _work.Count && _threads < MaxThreads && !TryStart() && _threads == 0)
                throw new IOException("No thread can be started to wait for the disk.");
            _work.Enqueue(task);
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Never on the caller's thread: that is what these threads are for.</summary>
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    /// <inheritdoc/>
    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_lock)
            return [.. _work];
    }

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
        while (Take() is { } task)
            TryExecuteTask(task);
    }

    /// <summary>Waits for work; null where there was none for a while, and the thread must end.</summary>
    private Task? Take()
    {
        lock (_lock)
        {
            _idle++;
            while (_work.Count == 0)
            {
                if (Monitor.Wait(_lock, IdleTime) || _work.Count > 0)
                    continue;
                _idle--;
                _threads--;
                return null;
            }

            _idle--;
            return _work.Dequeue();
        }
    }
}
