using System.Net.Http.Headers;
using System.Security.Cryptography;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ciuic.Gateway.Tests;

/// <summary>A cluster in this process and a gateway to it on this machine.</summary>
public sealed class GatewayCluster : IAsyncLifetime
{
    private GatewayServer? _gateway;

    public CiuicCluster Cluster { get; } = new();

    public GatewayOptions Options { get; } = new()
    {
        Port = FreePorts.Take(1)[0],
        KeyRefresh = TimeSpan.FromMilliseconds(50),
        LocalKeyFile = "none",
    };

    /// <summary>What keeps the program from being ready.</summary>
    public string[] NotReady { get; set; } = [];

    public Uri Endpoint => new(Options.Url);

    public async ValueTask InitializeAsync()
    {
        await Cluster.InitializeAsync();
        _gateway = await StartGatewayAsync(Options);
        using var http = new HttpClient();
        Description = new ApiConformance(await http.GetByteArrayAsync(new Uri(Endpoint, "/openapi/v1.json")));
    }

    /// <summary>What the gateway says of itself: everything that tests send and are answered must be so.</summary>
    internal ApiConformance Description { get; private set; } = null!;

    /// <summary>Another gateway to the same cluster.</summary>
    public async Task<GatewayServer> StartGatewayAsync(GatewayOptions options)
    {
        var info = new ServerInfo("test", Cluster.Store.Location, TestBucket.Ledger, GatewayServer.MaxObjectBytes);
        var health = new ProgramHealth(() => [], () => [], () => Task.FromResult<IReadOnlyList<string>>(NotReady));
        var gateway = new GatewayServer(
            options, Cluster.Grains, Cluster.Store, info, health, TimeProvider.System, NullLoggerFactory.Instance);
        await gateway.StartedAsync(CancellationToken.None);
        return gateway;
    }

    public async ValueTask DisposeAsync()
    {
        await StopGatewayAsync();
        await Cluster.DisposeAsync();
    }

    public async Task StopGatewayAsync()
    {
        if (_gateway is not { } gateway)
            return;
        _gateway = null;
        await gateway.StoppingAsync(CancellationToken.None);
        await gateway.DisposeAsync();
    }

    public async Task<ApiKey> NewKeyAsync(AccessScope scope = AccessScope.Write, string runs = "", TimeSpan? goodFor = null)
    {
        var key = ApiKey.Of(RandomNumberGenerator.GetBytes(ApiKey.RandomBytes));
        await new ChainAccess(Coordinator, TimeProvider.System).AddAsync(key, "test", scope, runs, goodFor);
        return key;
    }

    /// <summary>A client that shows a key; null for one that shows none.</summary>
    public HttpClient Http(ApiKey? key)
    {
        var http = new HttpClient(Conforming()) { BaseAddress = new Uri(Endpoint, "/api/v1/") };
        if (key is not null)
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key.Reveal());
        return http;
    }

    /// <summary>A chain that has nothing but the gateway.</summary>
    public SnapshotChain Chain(ApiKey key, SaveOptions? save = null)
    {
        var gateway = new GatewayConnection(Endpoint, key.Reveal, Conforming());
        var client = new ClientOptions { Mode = ClientMode.Http, Endpoint = Options.Url, Gateways = ["127.0.0.1:1"], ConnectPatience = TimeSpan.FromSeconds(5) };
        return new SnapshotChain(
            client, save ?? new SaveOptions { OnTerminate = OnTerminate.Ignore, ChunkBytes = 64 << 10, SpoolDirectory = "none" }, new RankOptions(), new CodecOptions(),
            new HttpCoordinator(gateway, TimeProvider.System), new GatewayStore(gateway, null), null, TimeProvider.System,
            NullLoggerFactory.Instance, gateway);
    }

    /// <summary>What a chain asks the gateway by.</summary>
    internal HttpCoordinator Over(ApiKey key) => new(new GatewayConnection(Endpoint, key.Reveal, Conforming()), TimeProvider.System);

    private ConformingHandler Conforming() => new(Description, new SocketsHttpHandler { AllowAutoRedirect = false });

    internal ICoordinator Coordinator => new OrleansCoordinator(new ConnectedCluster(Cluster.Grains));
}
