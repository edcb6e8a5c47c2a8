using System.Runtime.InteropServices;

namespace Ciuic.Client;

/// <summary>
/// The signals that tell this process to end, taken once for all runs that it trains. The first SIGTERM or SIGINT tells them to save and
/// stop. A second SIGINT, which is a person at a keyboard who will not wait, ends the process at once; a second SIGTERM does not:
/// supervisors and launchers repeat it, each for itself.
/// </summary>
internal static class ProcessSignals
{
    private static readonly Lock Lock = new();
    private static readonly List<TerminationSignal> Listeners = [];
    private static PosixSignalRegistration[] s_registrations = [];
    private static bool s_isInterrupted;

    public static void Listen(TerminationSignal listener)
    {
        lock (Lock)
        {
            if (Listeners.Count == 0)
                s_registrations = [.. new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT }.Select(s => PosixSignalRegistration.Create(s, Receive))];
            Listeners.Add(listener);
        }
    }

    public static void Forget(TerminationSignal listener)
    {
        lock (Lock)
        {
            if (!Listeners.Remove(listener) || Listeners.Count > 0)
                return;
            foreach (var registration in s_registrations)
                registration.Dispose();
            (s_registrations, s_isInterrupted) = ([], false);
        }
    }

    /// <summary>Tells all runs to save and stop, as a signal does.</summary>
    public static void Tell(string signal)
    {
        TerminationSignal[] listeners;
        lock (Lock)
            listeners = [.. Listeners];
        foreach (var listener in listeners)
            listener.Receive(signal);
    }

    private static void Receive(PosixSignalContext context)
    {
        lock (Lock)
        {
            if (context.Signal == PosixSignal.SIGINT && s_isInterrupted)
                return; // not cancelled: the process ends as if nobody had taken it
            s_isInterrupted |= context.Signal == PosixSignal.SIGINT;
        }

        context.Cancel = true;
        Tell(context.Signal.ToString());
    }
}
