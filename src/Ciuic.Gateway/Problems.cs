using System.Text.Json;
using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;

namespace Ciuic.Gateway;

/// <summary>Says with a status that a request cannot be answered.</summary>
internal sealed class HttpProblemException(int status, string detail) : Exception(detail)
{
    public int Status => status;
}

/// <summary>Errors to answers, here and nowhere else.</summary>
internal sealed partial class Problems(ILogger<Problems> logger)
{
    private const string RetryAfterSeconds = "1";

    public async Task InvokeAsync(HttpContext http, Func<Task> next)
    {
        try
        {
            await next();
            if (http.Response is { StatusCode: >= 400, HasStarted: false, ContentLength: null })
                await WriteAsync(http, http.Response.StatusCode, "", Unanswered(http));
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            http.Abort(); // whoever asked has gone
        }
        catch (Exception error) when (!http.Response.HasStarted)
        {
            var (status, kind) = StatusOf(error);
            if (status == StatusCodes.Status500InternalServerError)
                Unexpected(logger, http.Request.Method, http.Request.Path, error);
            await WriteAsync(http, status, kind, DetailOf(error));
        }
        catch (Exception error)
        {
            // Half an answer is out: the client must see that it is not whole.
            CutOff(logger, http.Request.Method, http.Request.Path, error.Message);
            http.Abort();
        }
    }

    private static (int Status, string Kind) StatusOf(Exception error) => error switch
    {
        HttpProblemException problem => (problem.Status, ""),
        InvalidInputException => (StatusCodes.Status400BadRequest, "invalid"),
        JsonException => (StatusCodes.Status400BadRequest, "invalid"),
        BadHttpRequestException bad => (bad.StatusCode, "invalid"),
        NotFoundException => (StatusCodes.Status404NotFound, "not_found"),
        ConflictException => (StatusCodes.Status409Conflict, "conflict"),
        FencedException => (StatusCodes.Status409Conflict, "fenced"),
        UnavailableException { IsFull: true } => (StatusCodes.Status507InsufficientStorage, "unavailable"),
        UnavailableException => (StatusCodes.Status503ServiceUnavailable, "unavailable"),
        CorruptException => (StatusCodes.Status422UnprocessableEntity, "corrupt"),
        _ => (StatusCodes.Status500InternalServerError, ""),
    };

    private static string DetailOf(Exception error) => error switch
    {
        HttpProblemException => Printable.Text(error.Message),
        JsonException json => $"The body is not what belongs here: {Printable.Line(JsonComplaint.Of(json)).TrimEnd('.')}.",
        BadHttpRequestException => Printable.Line(error.Message),
        _ => ExitCode.Reason(error),
    };

    private static string Unanswered(HttpContext http) => http.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => $"There is no {http.Request.Path}; /api/v1/info says what is served.",
        StatusCodes.Status405MethodNotAllowed => NotAllowed(http.Request),
        StatusCodes.Status429TooManyRequests => "This key asks too often (Ciuic:Gateway:RequestsPerSecond).",
        var status => ReasonPhrases.GetReasonPhrase(status),
    };

    /// <summary>A body of another type than the endpoint takes looks like a method that it does not have.</summary>
    private static string NotAllowed(HttpRequest request) => request.ContentType is { Length: > 0 } type
        ? $"{request.Method} is not for {request.Path}, or not with the Content-Type {Printable.Line(type)}: JSON is application/json, bytes are application/octet-stream."
        : $"{request.Method} is not for {request.Path}.";

    private static async Task WriteAsync(HttpContext http, int status, string kind, string detail)
    {
        http.Response.StatusCode = status;
        http.Response.Headers[ApiProblem.Header] = kind.Length > 0 ? kind : "other";
        if (status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable or StatusCodes.Status507InsufficientStorage)
            http.Response.Headers.RetryAfter = RetryAfterSeconds;
        if (HttpMethods.IsHead(http.Request.Method))
            return;
        http.Response.ContentType = ApiProblem.MediaType;
        var problem = new ApiProblem { Title = ReasonPhrases.GetReasonPhrase(status), Status = status, Detail = detail, Kind = kind };
        await JsonSerializer.SerializeAsync(http.Response.Body, problem, ApiJson.Default.ApiProblem, http.RequestAborted);
    }

    [LoggerMessage(60, LogLevel.Error, "{Method} {Path} failed")]
    private static partial void Unexpected(ILogger logger, string method, string path, Exception error);

    [LoggerMessage(61, LogLevel.Warning, "{Method} {Path} was cut off: {Error}")]
    private static partial void CutOff(ILogger logger, string method, string path, string error);
}
