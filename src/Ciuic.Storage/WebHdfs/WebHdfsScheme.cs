using Ciuic.Core;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Storage;

/// <summary><c>webhdfs://HOST:PORT/PATH</c>, and <c>swebhdfs:</c> with TLS; its settings are section <c>Ciuic:WebHdfs</c>.</summary>
internal sealed class WebHdfsScheme : IStoreScheme
{
    public const string Section = "Ciuic:WebHdfs";

    public string Forms => WebHdfsPlace.Forms;

    public bool Knows(string uri) => WebHdfsPlace.IsOne(uri);

    public async Task<IObjectStore> OpenAsync(string uri, IConfiguration configuration, CancellationToken cancel)
    {
        var store = await OpenAsync(uri, configuration, store => store.ExistsAsync(cancel), cancel);
        return new ProvenObjectStore(store, later => ProveAsync(store, later));
    }

    public async Task<IObjectStore> OpenExistingAsync(string uri, IConfiguration configuration, CancellationToken cancel) => await OpenAsync(
        uri,
        configuration,
        async store =>
        {
            if (!await store.ExistsAsync(cancel))
                throw new NotFoundException($"There is no bucket at {store.Location}.");
        },
        cancel);

    private static async Task<WebHdfsObjectStore> OpenAsync(
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
            throw IsOfSettings(error) ? new InvalidInputException(Message(store, error), error) : new UnavailableException(Message(store, error), error);
        }
    }

    /// <summary>Makes the folder where there is none, and sees what the server makes of two files of one name.</summary>
    private static async Task ProveAsync(WebHdfsObjectStore store, CancellationToken cancel)
    {
        try
        {
            await store.PrepareAsync(cancel);
            if (await store.ProbeAsync(cancel) is { } flaw)
                throw new InvalidInputException($"{store.Location}: {flaw}; history would not be safe there. Use the name node's own web address, not HttpFS.");
        }
        catch (Exception error) when (WebHdfsException.IsOne(error, cancel))
        {
            // Rights and quotas can be changed while we run.
            throw new UnavailableException(Message(store, error), error) { IsFull = error is WebHdfsException { IsQuota: true } };
        }
    }

    private static bool IsOfSettings(Exception error) => error is WebHdfsException { IsOfSettings: true }
        or HttpRequestException { InnerException: System.Security.Authentication.AuthenticationException };

    private static string Message(WebHdfsObjectStore store, Exception error) => $"{store.Location}: {WebHdfsException.ReasonOf(error)}.";
}
