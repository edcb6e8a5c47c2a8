using System.Net;
using Ciuic.Gateway;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Ciuic.Silo;

/// <summary>
/// Answers GET /live, /startup and /ready, from before the silo starts until after it has drained: 200, or 503 and what is wrong.
/// It listens where the silo does, and there only: that is where a kubelet or a container's own health check finds it.
/// </summary>
internal sealed class HealthServer(SiloOptions options, SiloHealth health) : IHostedLifecycleService, IAsyncDisposable
{
    /// <summary>A prober that keeps connections open, or a stranger, costs no more than these.</summary>
    private const int MaxConnections = 32;

    private WebApplication? _app;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, LifetimeOfTheSilo>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(o =>
        {
            o.Listen(IPAddress.Parse(options.Address), options.HealthPort);
            o.AddServerHeader = false;
            o.Limits.MaxConcurrentConnections = MaxConnections;
            o.Limits.MaxRequestBodySize = 0;
        });
        _app = builder.Build();
        _app.MapGet("/live", () => Answer(health.Live()));
        _app.MapGet("/startup", () => Answer(health.Startup()));
        _app.MapGet("/ready", async () => Answer(await health.ReadyAsync()));
        await _app.StartAsync(cancellationToken);
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => _app?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() => _app?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static IResult Answer(IReadOnlyList<string> problems) => problems.Count == 0
        ? Results.Text("ok\n")
        : Results.Text(string.Join('\n', problems) + "\n", statusCode: StatusCodes.Status503ServiceUnavailable);
}
