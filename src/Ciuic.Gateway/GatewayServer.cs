using System.Net;
using System.Net.Security;
using System.Threading.RateLimiting;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ciuic.Gateway;

/// <summary>
/// The HTTP API: answers from when the silo is up until it begins to drain. It holds nothing that is not in the cluster or the bucket,
/// so any of several gateways can be asked.
/// </summary>
/// <param name="options">Where it listens and what it takes.</param>
/// <param name="grains">The cluster.</param>
/// <param name="store">The bucket.</param>
/// <param name="info">What it says of itself.</param>
/// <param name="health">What the program knows of itself.</param>
/// <param name="time">The clock.</param>
/// <param name="loggers">Where warnings go.</param>
public sealed class GatewayServer(
    GatewayOptions options,
    IGrainFactory grains,
    IObjectStore store,
    ServerInfo info,
    ProgramHealth health,
    TimeProvider time,
    ILoggerFactory loggers)
    : IHostedLifecycleService, IAsyncDisposable
{
    /// <summary>The largest object that is taken in.</summary>
    public const int MaxObjectBytes = ObjectEndpoints.MaxObjectBytes;

    /// <summary>
    /// How long requests in flight may take once the silo drains. Whoever waits for something asks another gateway then, and none of those who
    /// follow events keeps the silo.
    /// </summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>Requests a second from an address, where no key is needed.</summary>
    private const int StrangersPerSecond = 50;

    private readonly CancellationTokenSource _ending = new();
    /// <summary>How long a bucket that does not say which it is holds up those who ask what is served.</summary>
    private static readonly TimeSpan BucketPatience = TimeSpan.FromSeconds(2);

    private readonly ChunkStore _chunks = new(store);
    private readonly KnownBucket _bucket = new(store);
    private WebApplication? _app;

    /// <inheritdoc/>
    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Services.AddSingleton(loggers);
        builder.Services.AddRouting();
        ApiDescription.Add(builder.Services);
        builder.Services.AddRateLimiter(Limit);
        builder.Services.AddSingleton<IHostLifetime, LifetimeOfTheSilo>();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = options.MaxConnections;
            kestrel.Limits.MaxRequestBodySize = ObjectEndpoints.MaxObjectBytes;
            kestrel.Listen(IPAddress.Parse(options.Address), options.Port, listen =>
            {
                if (options.HasTls)
                    listen.UseHttps(Tls(new GatewayCertificate(options, time, loggers.CreateLogger<GatewayCertificate>())));
            });
        });
        _app = builder.Build();
        Wire(_app);
        await _app.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        _ending.CancelAfter(Grace);
        return _app?.StopAsync(cancellationToken) ?? Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
        _chunks.Dispose();
        _ending.Dispose();
    }

    private static TlsHandshakeCallbackOptions Tls(GatewayCertificate certificate) => new()
    {
        OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions { ServerCertificateContext = certificate.Current }),
    };

    private void Wire(WebApplication app)
    {
        var coordinator = new OrleansCoordinator(new ConnectedCluster(grains));
        var keys = new KeyRing(() => ReadKeysAsync(grains), options.KeyRefresh, time);
        var shelf = new ShardShelf(store, coordinator);
        var budget = new ByteBudget(options.MaxBufferedBytes);
        var problems = new Problems(loggers.CreateLogger<Problems>());
        app.Lifetime.ApplicationStopped.Register(shelf.Dispose);
        app.Use((http, next) => EndAsync(http, () => problems.InvokeAsync(http, () => next(http))));
        app.UseRouting();
        app.Use((http, next) => Caller.AdmitAsync(http, keys, () => next(http)));
        app.UseRateLimiter();
        app.UseOutputCache();
        ApiDescription.MapTo(app);
        new HealthEndpoints(health).MapTo(app);
        var api = app.MapGroup("/api/v1");
        api.MapGet("/info", async http => await http.WriteAsync(
            info with { Bucket = (await _bucket.TryFindAsync(BucketPatience, time))?.ToString() }, ApiJson.Default.ServerInfo)).Needs(AccessScope.Read)
            .Says("What this gateway serves.").Answers<ServerInfo>().WithTags("Program");
        var history = new ChainHistory(coordinator);
        new RunEndpoints(coordinator).MapTo(api.MapGroup("").WithTags("Runs"));
        new LeaseEndpoints(coordinator).MapTo(api.MapGroup("").WithTags("Training"));
        new SnapshotEndpoints(coordinator, history).MapTo(api.MapGroup("").WithTags("Snapshots"));
        new ContentEndpoints(coordinator, history, store, info.Ledger, shelf).MapTo(api.MapGroup("").WithTags("Content"));
        new ObjectEndpoints(store, new Intake(store, _chunks, shelf, coordinator, keys), shelf, budget).MapTo(api.MapGroup("").WithTags("Bytes"));
        new LedgerEndpoints(coordinator, store, budget).MapTo(api.MapGroup("").WithTags("Ledgers"));
        new EventEndpoints(coordinator, new ChainEvents(coordinator, time)).MapTo(api.MapGroup("").WithTags("Events"));
        new AdminEndpoints(coordinator).MapTo(api.MapGroup("").WithTags("Administration"));
    }

    private async Task EndAsync(HttpContext http, Func<Task> answer)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, _ending.Token);
        http.RequestAborted = ending.Token;
        await answer();
    }

    private static async Task<AccessView> ReadKeysAsync(IGrainFactory grains)
    {
        try
        {
            return await grains.GetGrain<IAccessGrain>(IAccessGrain.Key).DescribeAsync();
        }
        catch (Exception error) when (error is not CiuicException)
        {
            throw new UnavailableException($"The cluster does not say which keys are good: {error.Message}", error);
        }
    }

    private void Limit(RateLimiterOptions limiter)
    {
        limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        if (options.RequestsPerSecond == 0)
            return;
        int RateOf(HttpContext http) => http.Features.Get<ApiKeyRecord>() is null ? Math.Min(StrangersPerSecond, options.RequestsPerSecond) : options.RequestsPerSecond;
        limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(http => RateLimitPartition.GetTokenBucketLimiter(
            Caller.Counted(http),
            _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = 2 * RateOf(http),
                TokensPerPeriod = Math.Max(1, RateOf(http) / 10),
                ReplenishmentPeriod = TimeSpan.FromMilliseconds(100),
                QueueLimit = 0,
            }));
    }
}
