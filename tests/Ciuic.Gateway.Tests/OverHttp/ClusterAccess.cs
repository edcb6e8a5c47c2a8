using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Gateway;
using Ciuic.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ciuic.Client.Tests;

/// <summary>How the tests of Ciuic.Client ask their cluster here: over HTTP, through a gateway that ends with the process.</summary>
internal static class ClusterAccess
{
    private static readonly ConditionalWeakTable<CiuicCluster, Lazy<Task<(Uri Endpoint, ApiKey Key)>>> Gateways = [];

    public static ICoordinator Of(CiuicCluster cluster, SwitchedConnection connection)
    {
        var (endpoint, key) = Gateways.GetValue(cluster, c => new Lazy<Task<(Uri, ApiKey)>>(() => Task.Run(() => StartAsync(c)))).Value.Result;
        return new HttpCoordinator(
            new GatewayConnection(endpoint, key.Reveal, new SwitchedHandler(connection, new SocketsHttpHandler())), TimeProvider.System);
    }

    private static async Task<(Uri Endpoint, ApiKey Key)> StartAsync(CiuicCluster cluster)
    {
        var options = new GatewayOptions { Port = FreePorts.Take(1)[0], LocalKeyFile = "none" };
        var info = new ServerInfo("test", cluster.Store.Location, TestBucket.Ledger, GatewayServer.MaxObjectBytes);
        var health = new ProgramHealth(() => [], () => [], () => Task.FromResult<IReadOnlyList<string>>([]));
        await new GatewayServer(options, cluster.Grains, cluster.Store, info, health, TimeProvider.System, NullLoggerFactory.Instance)
            .StartedAsync(CancellationToken.None);
        var key = ApiKey.Of(RandomNumberGenerator.GetBytes(ApiKey.RandomBytes));
        var access = new ChainAccess(new OrleansCoordinator(new ConnectedCluster(cluster.Grains)), TimeProvider.System);
        await access.AddAsync(key, "test", AccessScope.Admin, "", null);
        return (new Uri(options.Url), key);
    }

    /// <summary>The way to the gateway, cut where the test's connection is.</summary>
    private sealed class SwitchedHandler(SwitchedConnection connection, HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            connection.Grains is null ? throw new HttpRequestException("cut") : base.SendAsync(request, cancellationToken);
    }
}
