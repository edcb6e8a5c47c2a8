namespace Ciuic.Client;

/// <summary>
/// SIGTERM and SIGINT as a token of one run. The first does not end the process any more; other handlers of the program run as before.
/// </summary>
internal sealed class TerminationSignal : IDisposable
{
    private readonly CancellationTokenSource _received = new();
    private readonly Action<string> _onReceived;

    /// <param name="listen">Whether signals are taken at all.</param>
    /// <param name="onReceived">Told which one has come, once.</param>
    public TerminationSignal(bool listen, Action<string> onReceived)
    {
        (_onReceived, Token) = (onReceived, _received.Token);
        if (listen)
            ProcessSignals.Listen(this);
    }

    /// <summary>Cancelled by the first signal; can be asked after the run was closed, too.</summary>
    public CancellationToken Token { get; }

    /// <summary>A signal has come.</summary>
    public void Receive(string signal)
    {
        if (Token.IsCancellationRequested)
            return;
        _onReceived(signal);
        _received.Cancel();
    }

    public void Dispose() => ProcessSignals.Forget(this);
}
