using System.Collections.Concurrent;

namespace Ciuic.Snapshots;

/// <summary>Keeps things that are costly to make and serve one caller at a time.</summary>
internal sealed class LendingPool<T>(Func<T> make) : IDisposable
    where T : IDisposable
{
    private readonly ConcurrentBag<T> _free = [];

    /// <summary>Lends one until the loan is disposed.</summary>
    public Loan Take() => new(this, _free.TryTake(out var free) ? free : make());

    public void Dispose()
    {
        while (_free.TryTake(out var free))
            free.Dispose();
    }

    /// <summary>One of them, lent.</summary>
    public readonly struct Loan(LendingPool<T> pool, T value) : IDisposable
    {
        public T Value => value;

        public void Dispose() => pool._free.Add(value);
    }
}
