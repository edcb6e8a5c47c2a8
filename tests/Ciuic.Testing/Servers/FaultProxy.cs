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

/// <summary>Does harm to one exchange when it is told to.</summary>
/// <param name="server">Where requests go on to.</param>
public sealed class FaultProxy(Uri server) : TcpProxy(server)
{
    /// <summary>Answers' heads are shorter; bodies in these tests longer.</summary>
    private const int WithinBody = 8 << 10;

    private readonly Lock _lock = new();
    private NetworkFault? _armed;
    private int _spared;
    private TaskCompletionSource _done = new();

    /// <summary>Completes when the harm is done.</summary>
    public Task Done => _done.Task;

    /// <summary>The next exchange goes wrong, once.</summary>
    /// <param name="fault">How.</param>
    /// <param name="spared">Occasions that pass before.</param>
    public void Arm(NetworkFault fault, int spared = 0)
    {
        lock (_lock)
            (_armed, _spared, _done) = (fault, spared, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
    }

    protected override async Task PassRequestsAsync(NetworkStream client, NetworkStream server)
    {
        await foreach (var (bytes, passed) in ReadAsync(client))
        {
            if (passed > WithinBody && TryTake(NetworkFault.FlipRequest))
                bytes.Span[^1] ^= 1;
            await server.WriteAsync(bytes, Ending);
        }
    }

    protected override async Task PassAnswersAsync(NetworkStream server, NetworkStream client)
    {
        await foreach (var (bytes, passed) in ReadAsync(server))
        {
            if (TryTake(NetworkFault.LoseAnswer))
                return;
            // Decided before: once the last bytes are passed on, the next fault may be armed, and that is not for this answer.
            var isCut = passed > WithinBody && TryTake(NetworkFault.CutAnswer);
            var isStalled = passed > WithinBody && TryTake(NetworkFault.StallAnswer);
            await client.WriteAsync(bytes, Ending);
            if (isCut)
                return;
            if (isStalled)
                await Task.Delay(Timeout.Infinite, Ending);
        }
    }

    private bool TryTake(NetworkFault fault)
    {
        lock (_lock)
        {
            if (_armed != fault || _spared-- > 0)
                return false;
            _armed = null;
            _done.SetResult();
            return true;
        }
    }
}
