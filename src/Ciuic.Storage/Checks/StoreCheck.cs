using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>One promise of <see cref="IObjectStore"/>, tried on a real store.</summary>
/// <param name="Name">What is promised.</param>
/// <param name="RunAsync">Tries it in a place of its own; throws <see cref="CorruptException"/> where it is not kept.</param>
public sealed record StoreCheck(string Name, Func<CheckPlace, CancellationToken, Task> RunAsync);

/// <summary>A place in a bucket where a check may write: all its keys begin with a prefix that nobody else has.</summary>
/// <param name="store">The store that is checked.</param>
/// <param name="prefix">Ends in '/'.</param>
public sealed class CheckPlace(IObjectStore store, string prefix)
{
    /// <summary>The store.</summary>
    public IObjectStore Store => store;

    /// <summary>A key in this place.</summary>
    public ObjectKey Key(string path) => new(prefix + path);

    /// <summary>What is in this place, by the path in it.</summary>
    public async Task<List<ObjectInfo>> ListAsync(string path, CancellationToken cancel)
    {
        var found = new List<ObjectInfo>();
        await foreach (var one in store.ListAsync(prefix + path, cancel))
            found.Add(one with { Key = new ObjectKey(one.Key.Path[prefix.Length..]) });
        found.Sort((a, b) => string.CompareOrdinal(a.Key.Path, b.Key.Path));
        return found;
    }

    /// <summary>Deletes all that is in this place.</summary>
    public async Task ClearAsync(CancellationToken cancel)
    {
        foreach (var left in await ListAsync("", cancel))
            await store.DeleteAsync(Key(left.Key.Path), cancel);
    }
}
