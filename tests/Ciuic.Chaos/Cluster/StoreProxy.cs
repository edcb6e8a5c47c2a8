using System.Net;
using System.Net.Sockets;
using Ciuic.Testing;

namespace Ciuic.Chaos;

/// <summary>How the way to the store is.</summary>
internal enum StoreWeather
{
    /// <summary>Everything passes.</summary>
    Fair = 1,

    /// <summary>Nothing passes; connections stay open.</summary>
    Paused,

    /// <summary>Everything passes, late.</summary>
    Slow,

    /// <summary>Connections are closed, new ones and some that are open.</summary>
    Failing,
}

/// <summary>Stands between everybody and the store, and passes bytes on as the weather is.</summary>
/// <param name="server">The store.</param>
/// <param name="at">Where it listens.</param>
internal sealed class StoreProxy(Uri server, IPAddress at) : TcpProxy(server, at)
{
    private static readonly TimeSpan Lateness = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    private volatile StoreWeather _weather = StoreWeather.Fair;

    public StoreWeather Weather
    {
        get => _weather;
        set => _weather = value;
    }

    protected override bool Admits => Weather != StoreWeather.Failing;

    protected override Task PassRequestsAsync(NetworkStream client, NetworkStream server) => PassAsync(client, server);

    protected override Task PassAnswersAsync(NetworkStream server, NetworkStream client) => PassAsync(server, client);

    /// <summary>In bad weather an answer is lost after its request was done, or a body is cut in the middle.</summary>
    private async Task PassAsync(NetworkStream from, NetworkStream to)
    {
        await foreach (var (bytes, _) in ReadAsync(from))
        {
            while (Weather == StoreWeather.Paused)
                await Task.Delay(Look, Ending);
            if (Weather == StoreWeather.Failing && Random.Shared.Next(2) == 0)
                return;
            if (Weather == StoreWeather.Slow)
                await Task.Delay(Lateness, Ending);
            await to.WriteAsync(bytes, Ending);
        }
    }
}
