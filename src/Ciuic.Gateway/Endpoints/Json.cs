using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Ciuic.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Ciuic.Gateway;

/// <summary>Bodies of requests and answers in JSON.</summary>
internal static class Json
{
    /// <summary>A body holds what one call says; manifests have limits of their own.</summary>
    private const int MaxBytes = 1 << 20;

    public static async Task<T> ReadAsync<T>(this HttpContext http, JsonTypeInfo<T> type)
        where T : class
    {
        http.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = MaxBytes;
        return await JsonSerializer.DeserializeAsync(http.Request.Body, type, http.RequestAborted)
            ?? throw new InvalidInputException("The body is the word null.");
    }

    public static T Read<T>(ReadOnlyMemory<byte> body, JsonTypeInfo<T> type)
        where T : class =>
        JsonSerializer.Deserialize(body.Span, type) ?? throw new InvalidInputException("The body is the word null.");

    public static async Task WriteAsync<T>(this HttpContext http, T answer, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(http.Response.Body, answer, type, http.RequestAborted);
    }
}
