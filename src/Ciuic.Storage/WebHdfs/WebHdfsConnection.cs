using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>
/// Speaks HTTP with name nodes and data nodes: one request, its answer or its error, nothing repeated. A name node says of bytes only
/// which data node has them; that one is asked in turn.
/// </summary>
internal sealed class WebHdfsConnection : IDisposable
{
    /// <summary>Slower is no connection any more.</summary>
    private const double MinBytesPerSecond = 16 << 10;

    private readonly WebHdfsPlace _place;
    private readonly WebHdfsOptions _options;
    private readonly HttpClient _http;
    private int _active;

    /// <exception cref="InvalidInputException">The file of authorities is none.</exception>
    public WebHdfsConnection(WebHdfsPlace place, WebHdfsOptions options)
    {
        (_place, _options) = (place, options);
        var sockets = Proxies.NewHandler();
        sockets.MaxConnectionsPerServer = options.MaxConnections;
        sockets.ConnectTimeout = options.ConnectTimeout;
        sockets.PooledConnectionLifetime = TimeSpan.FromMinutes(10); // follows a name that moves
        sockets.AllowAutoRedirect = false; // a redirect would send the bytes to the name node first
        sockets.UseCookies = false;
        sockets.SslOptions.CertificateChainPolicy = options.TrustPolicy(WebHdfsScheme.Section);
        _http = new HttpClient(sockets) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Asks the name node and reads its answer.</summary>
    public async Task<T> AskAsync<T>(
        HttpMethod method, string path, string operation, JsonTypeInfo<T> answer, CancellationToken cancel)
    {
        using var limit = Limit(0, cancel);
        try
        {
            using var response = await NameNodeAsync(method, path, operation, limit.Token, cancel);
            return await response.Content.ReadFromJsonAsync(answer, limit.Token) ?? throw new IOException("the server's answer is empty");
        }
        catch (JsonException error)
        {
            throw new IOException("the server's answer is no WebHDFS", error);
        }
        catch (OperationCanceledException error) when (!cancel.IsCancellationRequested)
        {
            throw new TimeoutException("no answer in time", error);
        }
    }

    /// <summary>Tells the name node to do something; what it answers is no matter, if it is a success.</summary>
    public async Task TellAsync(HttpMethod method, string path, string operation, CancellationToken cancel)
    {
        using var response = await LimitedAsync(0, limit => NameNodeAsync(method, path, operation, limit, cancel), cancel);
    }

    /// <summary>Sends bytes to the data node that the name node chooses.</summary>
    public async Task SendAsync(string path, string operation, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        var target = await DataNodeAsync(HttpMethod.Put, path, operation, cancel);
        using var response = await LimitedAsync(
            content.Length,
            async limit =>
            {
                using var request = new HttpRequestMessage(HttpMethod.Put, target) { Content = new ReadOnlyMemoryContent(content) };
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
                return await CheckedAsync(await _http.SendAsync(request, limit), limit);
            },
            cancel);
    }

    /// <summary>Begins to read bytes from a data node that has them.</summary>
    public async Task<HttpResponseMessage> OpenAsync(string path, string operation, CancellationToken cancel)
    {
        var source = await DataNodeAsync(HttpMethod.Get, path, operation, cancel);
        return await LimitedAsync(
            0,
            async limit =>
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, source);
                return await CheckedAsync(await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit), limit);
            },
            cancel);
    }

    public void Dispose() => _http.Dispose();

    private async Task<Uri> DataNodeAsync(HttpMethod method, string path, string operation, CancellationToken cancel)
    {
        using var response = await LimitedAsync(0, limit => NameNodeAsync(method, path, operation, limit, cancel, isRedirect: true), cancel);
        return response.Headers.Location is { IsAbsoluteUri: true } location
            ? location
            : throw new IOException("the name node names no data node");
    }

    private async Task<HttpResponseMessage> NameNodeAsync(
        HttpMethod method, string path, string operation, CancellationToken limit, CancellationToken caller, bool isRedirect = false)
    {
        var asked = Volatile.Read(ref _active);
        try
        {
            using var request = new HttpRequestMessage(method, await AddressAsync(_place.NameNodes[asked], path, operation, limit));
            return await CheckedAsync(await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit), limit, isRedirect);
        }
        catch (Exception error) when (error is not WebHdfsException { IsStandby: false } && !caller.IsCancellationRequested)
        {
            // Whoever asks no more has not found out anything about this name node.
            Interlocked.CompareExchange(ref _active, (asked + 1) % _place.NameNodes.Count, asked);
            throw;
        }
    }

    private async Task<Uri> AddressAsync(Uri nameNode, string path, string operation, CancellationToken cancel)
    {
        var who = _options.TokenFile.Length > 0 ? $"&delegation={Uri.EscapeDataString(await TokenAsync(cancel))}"
            : _options.User.Length > 0 ? $"&user.name={Uri.EscapeDataString(_options.User)}"
            : "";
        var escaped = string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
        return new Uri(nameNode, $"/webhdfs/v1{escaped}?op={operation}{who}");
    }

    private async Task<string> TokenAsync(CancellationToken cancel)
    {
        try
        {
            return (await File.ReadAllTextAsync(_options.TokenFile, cancel)).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"Ciuic:WebHdfs:TokenFile: '{_options.TokenFile}' cannot be read", error); // it may be being renewed
        }
    }

    private async Task<HttpResponseMessage> LimitedAsync(
        int bytes, Func<CancellationToken, Task<HttpResponseMessage>> send, CancellationToken cancel)
    {
        using var limit = Limit(bytes, cancel);
        try
        {
            return await send(limit.Token);
        }
        catch (OperationCanceledException error) when (!cancel.IsCancellationRequested)
        {
            throw new TimeoutException("no answer in time", error);
        }
    }

    private CancellationTokenSource Limit(int bytes, CancellationToken cancel)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_options.RequestTimeout + TimeSpan.FromSeconds(bytes / MinBytesPerSecond));
        return limit;
    }

    /// <summary>A redirect where none belongs is of somebody between us and the server: nothing was done.</summary>
    private static async Task<HttpResponseMessage> CheckedAsync(
        HttpResponseMessage response, CancellationToken cancel, bool isRedirect = false)
    {
        if (isRedirect ? response.StatusCode == HttpStatusCode.TemporaryRedirect : response.IsSuccessStatusCode)
            return response;
        using (response)
        {
            var said = await ReadErrorAsync(response, cancel);
            throw new WebHdfsException(response.StatusCode, said?.Exception ?? "", said?.Message ?? response.ReasonPhrase ?? "");
        }
    }

    private static async Task<HdfsError?> ReadErrorAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        try
        {
            return (await response.Content.ReadFromJsonAsync(WebHdfsJson.Default.HdfsErrorAnswer, cancel))?.RemoteException;
        }
        catch (JsonException)
        {
            return null; // a proxy's or a filter's page
        }
    }
}
