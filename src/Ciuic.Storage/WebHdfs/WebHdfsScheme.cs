using Ciuic.Core;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Storage;

/// <summary><c>webhdfs://HOST:PORT/PATH</c>, and <c>swebhdfs:</c> with TLS; its settings are section <c>Ciuic:WebHdfs</c>.</summary>
internal sealed class WebHdfsScheme : IStoreScheme
{
    public const string Section = "Ciuic:WebHdfs";

    public string Forms => WebHdfsPlace.Forms;

    public bool Knows(string uri) => WebHdfsPlace.IsOne(uri);

    public Task<IObjectStore> OpenAsync(string uri, IConfiguration configuration, CancellationToken cancel) => OpenAsync(
        uri,
        configuration,
        async store =>
        {
            await store.PrepareAsync(cancel);
            if (await store.ProbeAsync(cancel) is { } flaw)
                throw new InvalidInputException($"{store.Location}: {flaw}; history would not be safe there. Use the name node's own web address, not HttpFS.");
        },
        cancel);

    public Task<IObjectStore> OpenExistingAsync(string uri, IConfiguration configuration, CancellationToken cancel) => OpenAsync(
        uri,
        configuration,
        async store =>
        {
            if (!await store.ExistsAsync(cancel))
                throw new NotFoundException($"There is no bucket at {store.Location}.");
        },
        cancel);

    private static async Task<IObjectStore> OpenAsync(
        string uri, IConfiguration configuration, Func<WebHdfsObjectStore, Task> check, CancellationToken cancel)
    {
        var options = StrictSettings.Read<WebHdfsOptions>(configuration, Section);
        if (options.TokenFile.Length > 0 && !File.Exists(options.TokenFile))
            throw new InvalidInputException($"{Section}:TokenFile: there is no file '{options.TokenFile}'.");
        var store = new WebHdfsObjectStore(WebHdfsPlace.Parse(uri), options, TimeProvider.System);
        try
        {
            await check(store);
            return store;
        }
        catch (Exception error)
        {
            store.Dispose();
            if (!WebHdfsException.IsOne(error, cancel))
                throw;
            var message = $"{store.Location}: {WebHdfsException.ReasonOf(error)}.";
            throw error is WebHdfsException { IsOfSettings: true } or HttpRequestException { InnerException: System.Security.Authentication.AuthenticationException }
                ? new InvalidInputException(message, error)
                : new UnavailableException(message, error);
        }
    }
}
