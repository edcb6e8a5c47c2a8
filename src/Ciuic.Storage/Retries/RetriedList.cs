using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>
/// A list that can be asked again after it broke off: it is begun anew, and what it has told already is left out, because it comes in
/// no order.
/// </summary>
internal sealed class RetriedList(IObjectStore store, string prefix) : IAsyncDisposable
{
    private readonly HashSet<ObjectKey> _told = [];
    private IAsyncEnumerator<ObjectInfo>? _list;

    /// <summary>The next object that was not told yet; null at the end.</summary>
    public async Task<ObjectInfo?> NextAsync(CancellationToken cancel)
    {
        try
        {
            _list ??= store.ListAsync(prefix, cancel).GetAsyncEnumerator(cancel);
            while (await _list.MoveNextAsync())
            {
                if (_told.Add(_list.Current.Key))
                    return _list.Current;
            }

            return null;
        }
        catch (UnavailableException)
        {
            await DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        var list = _list;
        _list = null;
        if (list is not null)
            await list.DisposeAsync();
    }
}
