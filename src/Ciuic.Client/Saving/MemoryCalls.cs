using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>
/// Calls that copy into the staging memory or out of it. A run may be closed by another thread, or by the end of the process, while one is
/// under way: it is let finish, none begins after it, and the memory under one that does not end is not freed.
/// </summary>
internal sealed class MemoryCalls(RunId run)
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;
    private bool _isClosed;

    /// <summary>Whether none is under way and none will be.</summary>
    public bool HaveEnded => _ended.Task.IsCompleted;

    /// <summary>Begins one; disposing ends it.</summary>
    /// <exception cref="InvalidInputException">The run is closed.</exception>
    public IDisposable Begin()
    {
        lock (_lock)
        {
            if (_isClosed)
                throw new InvalidInputException($"Run {run} is closed: open it again to go on with it.");
            _count++;
        }

        return new Call(this);
    }

    /// <summary>None begins from now on.</summary>
    /// <returns>When the last one has ended.</returns>
    public Task CloseAsync()
    {
        lock (_lock)
        {
            _isClosed = true;
            if (_count == 0)
                _ended.TrySetResult();
        }

        return _ended.Task;
    }

    private void End()
    {
        lock (_lock)
        {
            if (--_count == 0 && _isClosed)
                _ended.TrySetResult();
        }
    }

    private sealed class Call(MemoryCalls calls) : IDisposable
    {
        public void Dispose() => calls.End();
    }
}
