using System.Net;
using System.Net.Sockets;

namespace Ciuic.Testing;

/// <summary>What goes wrong with one answer or request on its way.</summary>
public enum NetworkFault
{
    /// <summary>The connection is closed in the middle of an answer.</summary>
    CutAnswer = 1,

    /// <summary>Nothing more comes in the middle of an answer, and the connection stays open.</summary>
    StallAnswer,

    /// <summary>The request arrives and is done; its answer does not.</summary>
    LoseAnswer,

    /// <summary>A bit of a request's body is turned over.</summary>
    FlipRequest,
}

/// <summary>Stands between a client and a server, passes bytes on, and does harm to one exchange when it is told to.</summary>
public sealed class FaultProxy : IAsyncDisposable
{
    /// <summary>Answers' heads are shorter; bodies in these tests longer.</summary>
    private const int WithinBody = 8 << 10;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly Uri _server;
    private readonly Task _accepting;
    private readonly Lock _lock = new();
    private NetworkFault? _armed;
    private TaskCompletionSource _done = new();

    /// <param name="server">Where requests go on to.</param>
    public FaultProxy(Uri server)
    {
        _server = server;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where clients connect.</summary>
    public Uri Endpoint => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>Completes when the harm is done.</summary>
    public Task Done => _done.Task;

    /// <summary>The next exchange goes wrong, once.</summary>
    public void Arm(NetworkFault fault)
    {
        lock (_lock)
            (_armed, _done) = (fault, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
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
                await server.ConnectAsync(_server.Host, _server.Port, _ending.Token);
                await Task.WhenAny(RequestsAsync(client.GetStream(), server.GetStream()), AnswersAsync(server.GetStream(), client.GetStream()));
            }
            catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
            {
                // One of them has gone.
            }
        }
    }

    private async Task RequestsAsync(NetworkStream from, NetworkStream to)
    {
        await foreach (var (bytes, passed) in ReadAsync(from))
        {
            if (passed > WithinBody && TryTake(NetworkFault.FlipRequest))
                bytes.Span[^1] ^= 1;
            await to.WriteAsync(bytes, _ending.Token);
        }
    }

    private async Task AnswersAsync(NetworkStream from, NetworkStream to)
    {
        await foreach (var (bytes, passed) in ReadAsync(from))
        {
            if (TryTake(NetworkFault.LoseAnswer))
                return;
            await to.WriteAsync(bytes, _ending.Token);
            if (passed > WithinBody && TryTake(NetworkFault.CutAnswer))
                return;
            if (passed > WithinBody && TryTake(NetworkFault.StallAnswer))
                await Task.Delay(Timeout.Infinite, _ending.Token);
        }
    }

    /// <summary>What comes, and how much it was together with that.</summary>
    private async IAsyncEnumerable<(Memory<byte> Bytes, long Passed)> ReadAsync(NetworkStream from)
    {
        var buffer = new byte[16 << 10];
        var passed = 0L;
        for (int read; (read = await from.ReadAsync(buffer, _ending.Token)) > 0;)
            yield return (buffer.AsMemory(0, read), passed += read);
    }

    private bool TryTake(NetworkFault fault)
    {
        lock (_lock)
        {
            if (_armed != fault)
                return false;
            _armed = null;
            _done.SetResult();
            return true;
        }
    }
}
