using System.Net.Sockets;

namespace Ciuic.Chaos;

/// <summary>A rank's side of <see cref="LockStep"/>.</summary>
internal sealed class LockStepMember : IDisposable
{
    /// <summary>The environment variable that says where the ranks meet.</summary>
    public const string Variable = "CIUIC_CHAOS_STEPS";

    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public LockStepMember() => _socket.Connect(new UnixDomainSocketEndPoint(
        Environment.GetEnvironmentVariable(Variable) ?? throw new InvalidOperationException($"{Variable} is not set.")));

    /// <summary>Waits until all ranks are there.</summary>
    /// <returns>False where one of them is gone: training ends.</returns>
    /// <param name="ending">Ends the waiting.</param>
    public async Task<bool> MeetAsync(CancellationToken ending)
    {
        try
        {
            await _socket.SendAsync(new byte[1], ending);
            return await _socket.ReceiveAsync(new byte[1], ending) > 0;
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    public void Dispose() => _socket.Dispose();
}
