using Ciuic.Core;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Storage;

/// <summary>Folders and memory.</summary>
internal sealed class LocalScheme : IStoreScheme
{
    public string Forms => "file:PATH or memory:";

    public bool Knows(string uri) => uri == "memory:" || uri.StartsWith("file:", StringComparison.Ordinal);

    public Task<IObjectStore> OpenAsync(string uri, IConfiguration configuration, CancellationToken cancel)
    {
        var options = StrictSettings.Read<StoreOptions>(configuration, StoreSchemes.Section);
        var store = StoreUri.Open(uri, options.DirectWrites);
        return Task.FromResult<IObjectStore>(new RetryingObjectStore(store, new RetryOptions(), TimeProvider.System));
    }

    public Task<IObjectStore> OpenExistingAsync(string uri, IConfiguration configuration, CancellationToken cancel) =>
        Task.FromResult(StoreUri.OpenExisting(uri));
}
