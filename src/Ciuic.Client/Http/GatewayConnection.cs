using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Client;

/// <summary>
/// Speaks to gateways over HTTP. Time-outs, lost connections and whatever a gateway may say that passes are
/// <see cref="UnavailableException"/>: the outcome is unknown then, and asking again is safe.
/// </summary>
internal sealed class GatewayConnection : IDisposable
{
    /// <summary>How long an answer may take that waits for nothing but the cluster, and a body a second more for each MiB.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    private readonly HttpClient _http;
    private readonly Func<string> _key;

    /// <param name="endpoint">Where gateways answer, such as <c>http://127.0.0.1:5000</c>.</param>
    /// <param name="key">The key to show, read when it is needed.</param>
    /// <param name="handler">Sends requests.</param>
    public GatewayConnection(Uri endpoint, Func<string> key, HttpMessageHandler handler)
    {
        Address = endpoint.GetLeftPart(UriPartial.Authority);
        _http = new HttpClient(handler)
        {
            BaseAddress = new Uri(endpoint.AbsoluteUri.TrimEnd('/') + "/api/v1/"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _key = key;
    }

    /// <param name="endpoint">Where gateways answer, such as <c>https://ciuic.example.org</c>.</param>
    /// <param name="key">The key to show, read when it is needed.</param>
    /// <param name="trusted">Whose certificates are believed; null for those of the machine's authorities.</param>
    public GatewayConnection(Uri endpoint, Func<string> key, X509ChainPolicy? trusted = null)
        : this(endpoint, key, NewHandler(trusted))
    {
        if (endpoint.Scheme == Uri.UriSchemeHttp && Proxies.Of(endpoint) is { } proxy)
        {
            throw new InvalidInputException(
                $"Ciuic:Client:Endpoint: requests to {Address} would go through the proxy {proxy}, which would be shown the key: use https, or "
                + $"add {endpoint.Host} to NO_PROXY.");
        }
    }

    /// <summary>Where gateways are looked for, for messages.</summary>
    public string Address { get; }

    /// <summary>Asks for something.</summary>
    public Task<T> GetAsync<T>(string path, JsonTypeInfo<T> answer, CancellationToken cancel, TimeSpan wait = default) =>
        AskAsync(new HttpRequestMessage(HttpMethod.Get, path), answer, wait, cancel);

    /// <summary>Asks for something that may not be there: null then.</summary>
    public async Task<T?> FindAsync<T>(string path, JsonTypeInfo<T> answer, CancellationToken cancel, TimeSpan wait = default)
        where T : class
    {
        try
        {
            return await GetAsync(path, answer, cancel, wait);
        }
        catch (NotFoundException)
        {
            return null;
        }
    }

    /// <summary>Says something and takes the answer.</summary>
    public Task<T> PostAsync<TBody, T>(
        string path, TBody body, JsonTypeInfo<TBody> type, JsonTypeInfo<T> answer, CancellationToken cancel, TimeSpan wait = default) =>
        AskAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = ContentOf(body, type) }, answer, wait, cancel);

    /// <summary>Asks for something to be done that its path says.</summary>
    public Task<T> PostAsync<T>(string path, JsonTypeInfo<T> answer, CancellationToken cancel) =>
        AskAsync(new HttpRequestMessage(HttpMethod.Post, path), answer, TimeSpan.Zero, cancel);

    /// <summary>Asks for something to be done that its path says, to which nothing is to be answered.</summary>
    public async Task PostAsync(string path, CancellationToken cancel)
    {
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Post, path), Patience, cancel);
        await RequireAsync(response, cancel);
    }

    /// <summary>Says something to which nothing is to be answered.</summary>
    public async Task PostAsync<TBody>(string path, TBody body, JsonTypeInfo<TBody> type, CancellationToken cancel)
    {
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = ContentOf(body, type) }, Patience, cancel);
        await RequireAsync(response, cancel);
    }

    /// <summary>
    /// Sends a request; bodies of answers are not read yet. The request is disposed of.
    /// </summary>
    /// <exception cref="UnavailableException">Nobody answered in time.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, TimeSpan patience, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(patience);
        try
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _key());
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
        }
        catch (Exception error) when (IsOfTheWay(error) && !cancel.IsCancellationRequested)
        {
            throw new UnavailableException($"No gateway answers at {Address}{Proxies.Through(_http.BaseAddress!)}: {ReasonOf(error)}", error);
        }
        finally
        {
            request.Dispose();
        }
    }

    /// <summary>Passes an answer that is none of an error.</summary>
    /// <exception cref="CiuicException">What the gateway says.</exception>
    public async Task RequireAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        if (!response.IsSuccessStatusCode)
            throw await ErrorOfAsync(response, cancel);
    }

    /// <summary>Whether an error is a gateway's own: what lies in between says nothing about what a gateway has.</summary>
    public static bool IsOfGateway(HttpResponseMessage response) => response.Headers.Contains(ApiProblem.Header);

    /// <summary>Whether an error lies between the gateway and us.</summary>
    public static bool IsOfTheWay(Exception error) => error is HttpRequestException or IOException or OperationCanceledException;

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <summary>How long a request with a body of so many bytes may take.</summary>
    public static TimeSpan PatienceFor(long bytes) => Patience + TimeSpan.FromSeconds(bytes / (1 << 20));

    /// <summary>Whether somebody answered whom we do not trust: waiting makes that no better.</summary>
    public static bool IsOfTrust(UnavailableException error) => error.InnerException?.InnerException is AuthenticationException;

    private static SocketsHttpHandler NewHandler(X509ChainPolicy? trusted)
    {
        var handler = Proxies.NewHandler();
        handler.ConnectTimeout = TimeSpan.FromSeconds(5);
        handler.AllowAutoRedirect = false; // no gateway sends anybody elsewhere
        handler.PooledConnectionLifetime = TimeSpan.FromMinutes(5); // a name may come to stand for other gateways
        handler.KeepAlivePingDelay = KeepAlive;
        handler.SslOptions.CertificateChainPolicy = trusted;
        return handler;
    }

    private static string ReasonOf(Exception error) => error switch
    {
        HttpRequestException { InnerException: AuthenticationException tls } =>
            $"its certificate is not trusted, see Ciuic:Client:CaFile ({tls.Message})",
        OperationCanceledException => "no answer in time",
        _ => error.Message,
    };

    private static ByteArrayContent ContentOf<TBody>(TBody body, JsonTypeInfo<TBody> type)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, type));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    private async Task<T> AskAsync<T>(HttpRequestMessage request, JsonTypeInfo<T> answer, TimeSpan wait, CancellationToken cancel)
    {
        using var response = await SendAsync(request, Patience + wait, cancel);
        await RequireAsync(response, cancel);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(Patience); // the one before ended with the headers
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(deadline.Token);
            return await JsonSerializer.DeserializeAsync(body, answer, deadline.Token)
                ?? throw new UnavailableException($"The gateway at {Address} answers the word null.");
        }
        catch (Exception error) when ((IsOfTheWay(error) || error is JsonException) && !cancel.IsCancellationRequested)
        {
            throw new UnavailableException($"The gateway at {Address} answered half of it: {error.Message}", error);
        }
    }

    private async Task<CiuicException> ErrorOfAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        var (kind, detail) = await ProblemOfAsync(response, cancel);
        if (!IsOfGateway(response))
            return new UnavailableException($"{Address}: {detail}");
        return (kind, response.StatusCode) switch
        {
            ("conflict", _) => new ConflictException(detail),
            ("fenced", _) => new FencedException(detail),
            ("corrupt", _) => new CorruptException(detail),
            ("not_found", _) => new NotFoundException(detail),
            (_, HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden) => new InvalidInputException($"{Address}: {detail}"),
            ("invalid", _) => new InvalidInputException(detail),
            (_, >= (HttpStatusCode)400 and < (HttpStatusCode)500 and not (HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout)) =>
                new InvalidInputException($"{Address}: {detail}"),
            _ => new UnavailableException($"{Address}: {detail}"),
        };
    }

    private static async Task<(string Kind, string Detail)> ProblemOfAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(Patience);
        try
        {
            if (response.Content.Headers.ContentType?.MediaType == ApiProblem.MediaType)
            {
                var problem = JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(deadline.Token), ApiJson.Default.ApiProblem)!;
                return (problem.Kind, problem.Detail);
            }
        }
        catch (Exception error) when ((IsOfTheWay(error) || error is JsonException) && !cancel.IsCancellationRequested)
        {
            // The status says enough.
        }

        return ("", $"{(int)response.StatusCode} {response.ReasonPhrase}");
    }
}
