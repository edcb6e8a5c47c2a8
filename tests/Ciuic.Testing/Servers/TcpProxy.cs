using System.Net;
using System.Net.Sockets;

namespace Ciuic.Testing;

/// <summary>Stands between clients and a server and passes bytes on; what harm it does is for others to say.</summary>
public abstract class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _ending = new();
    private readonly Uri _server;
    private readonly Task _accepting;

    /// <param name="server">Where connections go on to.</param>
    /// <param name="at">Where it listens; by default loopback.</param>
    protected TcpProxy(Uri server, IPAddress? at = null)
    {
        _server = server;
        _listener = new TcpListener(at ?? IPAddress.Loopback, 0);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where clients connect.</summary>
    public Uri Endpoint => new($"http://{_listener.LocalEndpoint}");

    /// <summary>Ends with the proxy.</summary>
    protected CancellationToken Ending => _ending.Token;

    /// <summary>Whether a new connection goes on to the server; otherwise it is closed.</summary>
    protected virtual bool Admits => true;

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Stop();
        await _accepting;
        GC.SuppressFinalize(this);
    }

    /// <summary>Passes on what a client sends, until it ends or the connection is to be closed.</summary>
    protected abstract Task PassRequestsAsync(NetworkStream client, NetworkStream server);

    /// <summary>Passes on what the server sends.</summary>
    protected abstract Task PassAnswersAsync(NetworkStream server, NetworkStream client);

    /// <summary>What comes, and how much it was together with that.</summary>
    protected async IAsyncEnumerable<(Memory<byte> Bytes, long Passed)> ReadAsync(NetworkStream from)
    {
        var buffer = new byte[16 << 10];
        var passed = 0L;
        for (int read; (read = await from.ReadAsync(buffer, Ending)) > 0;)
            yield return (buffer.AsMemory(0, read), passed += read);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(Ending));
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
                if (!Admits)
                    return;
                await server.ConnectAsync(_server.Host, _server.Port, Ending);
                await Task.WhenAny(
                    PassRequestsAsync(client.GetStream(), server.GetStream()), PassAnswersAsync(server.GetStream(), client.GetStream()));
            }
            catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
            {
                // One of them has gone.
            }
        }
    }
}
