using System.Net.Sockets;

namespace Ciuic.Chaos;

/// <summary>
/// Has the ranks of an attempt take each step together, as the exchange of gradients does where they really train: ranks that ran at their
/// own speed would save at different steps, and nothing could be committed.
/// </summary>
internal sealed class LockStep : IAsyncDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"ciuic-steps-{Guid.NewGuid():N}");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<Socket> _ranks = [];
    private readonly Task _leading;

    /// <param name="ranks">How many take part.</param>
    public LockStep(int ranks)
    {
        _listener.Bind(new UnixDomainSocketEndPoint(_path));
        _listener.Listen();
        _leading = LeadAsync(ranks);
    }

    /// <summary>Where they meet.</summary>
    public string Place => _path;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _leading;
        File.Delete(_path);
    }

    private async Task LeadAsync(int ranks)
    {
        try
        {
            while (_ranks.Count < ranks)
                _ranks.Add(await _listener.AcceptAsync());
            while (await AllAreThereAsync())
            {
                foreach (var rank in _ranks)
                    await rank.SendAsync(new byte[1]);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // One of them is gone, and the others are told so.
        }

        foreach (var rank in _ranks)
            rank.Dispose();
    }

    private async Task<bool> AllAreThereAsync()
    {
        foreach (var rank in _ranks)
        {
            if (await rank.ReceiveAsync(new byte[1]) == 0)
                return false;
        }

        return true;
    }
}
