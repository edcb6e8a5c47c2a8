using System.Net;
using System.Net.Sockets;

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
internal sealed class StoreProxy : IAsyncDisposable
{
    private static readonly TimeSpan Lateness = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly Uri _server;
    private readonly Task _accepting;
    private volatile StoreWeather _weather = StoreWeather.Fair;

    public StoreProxy(Uri server)
    {
        _server = server;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where clients connect.</summary>
    public Uri Endpoint => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    public StoreWeather Weather
    {
        get => _weather;
        set => _weather = value;
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Stop();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_ending.Token));
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException)
        {
            // The proxy ends.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        using (var server = new TcpClient())
        {
            try
            {
                if (Weather == StoreWeather.Failing)
                    return;
                await server.ConnectAsync(_server.Host, _server.Port, _ending.Token);
                await Task.WhenAny(PassAsync(client.GetStream(), server.GetStream()), PassAsync(server.GetStream(), client.GetStream()));
            }
            catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
            {
                // One of them has gone.
            }
        }
    }

    /// <summary>In bad weather an answer is lost after its request was done, or a body is cut in the middle.</summary>
    private async Task PassAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[16 << 10];
        for (int read; (read = await from.ReadAsync(buffer, _ending.Token)) > 0;)
        {
            while (Weather == StoreWeather.Paused)
                await Task.Delay(Look, _ending.Token);
            if (Weather == StoreWeather.Failing && Random.Shared.Next(2) == 0)
                return;
            if (Weather == StoreWeather.Slow)
                await Task.Delay(Lateness, _ending.Token);
            await to.WriteAsync(buffer.AsMemory(0, read), _ending.Token);
        }
    }
}
