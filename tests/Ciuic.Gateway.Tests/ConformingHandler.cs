namespace Ciuic.Gateway.Tests;

/// <summary>Passes requests on and holds them and their answers against the description of the API.</summary>
internal sealed class ConformingHandler(ApiConformance description, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var sent = request.Content is { } content && content.Headers.ContentType?.MediaType == "application/json"
            ? await content.ReadAsByteArrayAsync(cancellationToken)
            : null;
        var response = await base.SendAsync(request, cancellationToken);
        var type = response.Content.Headers.ContentType?.MediaType;
        if (type != "text/event-stream")
            await response.Content.LoadIntoBufferAsync(cancellationToken);
        description.Check(
            request.Method.Method, request.RequestUri!.AbsolutePath, sent, (int)response.StatusCode, type,
            type == "text/event-stream" ? null : await response.Content.ReadAsByteArrayAsync(cancellationToken));
        return response;
    }
}
