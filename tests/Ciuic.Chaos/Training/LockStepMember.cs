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
    public async Task<bool> MeetAsync()
    {
        try
        {
            await _socket.SendAsync(new byte[1]);
            return await _socket.ReceiveAsync(new byte[1]) > 0;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Dispose() => _socket.Dispose();
}
