using System.Runtime.InteropServices;

namespace Ciuic.Client;

/// <summary>
/// SIGTERM as a token. The signal does not end the process any more; other handlers of the program run as before.
/// </summary>
internal sealed class TerminationSignal : IDisposable
{
    private readonly CancellationTokenSource _received = new();
    private readonly PosixSignalRegistration? _registration;

    public TerminationSignal(bool listen, Action onReceived)
    {
        if (!listen)
            return;
        _registration = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            onReceived();
            _received.Cancel();
        });
    }

    public CancellationToken Token => _received.Token;

    public void Dispose()
    {
        _registration?.Dispose();
        _received.Dispose();
    }
}
