using System.Net;
using Ciuic.Core;
using Ciuic.Snapshots;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ciuic.Cli;

/// <summary>Answers <c>POST /add-checkpoint</c>, and nothing else.</summary>
internal sealed class WitnessServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private WitnessServer(WebApplication app) => _app = app;

    /// <summary>Where it answers.</summary>
    public string Address => _app.Urls.Single();

    /// <exception cref="InvalidInputException">The address is malformed or in use.</exception>
    public static async Task<WitnessServer> StartAsync(string listen, WitnessService witness)
    {
        if (!IPEndPoint.TryParse(listen, out var endpoint) || (endpoint.Port == 0 && !listen.EndsWith(":0", StringComparison.Ordinal)))
            throw new InvalidInputException($"--listen: '{listen}' is not ADDRESS:PORT.");
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.Sources.Clear(); // the silo's settings are none of the witness's
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(o =>
        {
            o.Listen(endpoint);
            o.AddServerHeader = false;
            o.Limits.MaxRequestBodySize = AddCheckpointRequest.MaxBytes;
        });
        var app = builder.Build();
        app.MapPost("/add-checkpoint", context => AnswerAsync(context, witness));
        try
        {
            await app.StartAsync();
            return new WitnessServer(app);
        }
        catch (Exception error) when (error is IOException or System.Net.Sockets.SocketException)
        {
            await app.DisposeAsync();
            throw new InvalidInputException($"--listen: {listen} cannot be used: {error.Message}", error);
        }
    }

    /// <summary>Returns when SIGTERM or Ctrl-C has come and the last answer is given.</summary>
    public async Task WaitAsync(CancellationToken cancel) =>
        await _app.WaitForShutdownAsync(cancel);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static async Task AnswerAsync(HttpContext context, WitnessService witness)
    {
        WitnessReply reply;
        try
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            // A client that hangs up must not end the persist-then-sign halfway.
            reply = await witness.AnswerAsync(body.ToArray(), CancellationToken.None);
        }
        catch (CiuicException error)
        {
            reply = new WitnessReply(StatusCodes.Status500InternalServerError, "text/plain", StrictUtf8.Encode(error.Message + "\n"));
        }

        context.Response.StatusCode = reply.Status;
        context.Response.ContentType = reply.ContentType;
        await context.Response.Body.WriteAsync(reply.Body);
    }
}
