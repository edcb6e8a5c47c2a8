using System.Collections.Concurrent;
using Ciuic.Core;

namespace Ciuic.Native;

/// <summary>Objects by numbers, which is all that a caller gets to see of them.</summary>
internal sealed class Handles
{
    private readonly ConcurrentDictionary<long, object> _open = new();
    private long _last;

    public long Add(object opened)
    {
        var id = Interlocked.Increment(ref _last);
        _open[id] = opened;
        return id;
    }

    /// <exception cref="InvalidInputException">There is none of that number, or it is something else.</exception>
    public T Get<T>(long id)
        where T : class => _open.TryGetValue(id, out var opened) && opened is T wanted
        ? wanted
        : throw new InvalidInputException($"{id} is no open {typeof(T).Name}.");

    public IEnumerable<T> All<T>() => _open.Values.OfType<T>();

    public object? Take(long id) => _open.TryRemove(id, out var opened) ? opened : null;
}
