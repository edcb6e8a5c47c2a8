namespace Ciuic.Storage.S3;

/// <summary>
/// What the SDK leaves open of one request. Bodies are sent without asking first: after a refused request some servers leave such
/// a connection in a state in which the next one on it fails. Answers come in time or not at all; but for the bytes of an object,
/// whose reader has a limit of its own, that means all of the answer: the SDK would read the rest with no limit.
/// </summary>
/// <param name="inner">Sends.</param>
/// <param name="timeout">Until the answer is there, but for the time that the request's body takes.</param>
internal sealed class LimitedRequests(HttpMessageHandler inner, TimeSpan timeout) : DelegatingHandler(inner)
{
    /// <summary>Slower is no connection any more; dozens of them share a slow link.</summary>
    private const double MinBytesPerSecond = 16 << 10;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        request.Headers.ExpectContinue = false;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(timeout + TimeSpan.FromSeconds((request.Content?.Headers.ContentLength ?? 0) / MinBytesPerSecond));
        try
        {
            var response = await base.SendAsync(request, limit.Token);
            if (!HoldsObject(request, response))
                await BufferAsync(response, limit.Token);
            return response;
        }
        catch (OperationCanceledException error) when (!cancel.IsCancellationRequested)
        {
            throw new HttpRequestException("no answer in time", new TimeoutException("no answer in time", error));
        }
    }

    private static async Task BufferAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        try
        {
            await response.Content.LoadIntoBufferAsync(cancel);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>Lists are asked for with GET, too, but with a query.</summary>
    private static bool HoldsObject(HttpRequestMessage request, HttpResponseMessage response) =>
        request.Method == HttpMethod.Get && response.IsSuccessStatusCode && !request.RequestUri!.Query.Contains("list-type", StringComparison.Ordinal);
}
