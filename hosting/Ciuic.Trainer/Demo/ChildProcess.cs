using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Ciuic.Trainer;

/// <summary>A process started, read line by line and, one way or the other, ended by this one.</summary>
internal sealed partial class ChildProcess : IAsyncDisposable
{
    private const int SigInt = 2;
    private const int SigTerm = 15;

    private readonly Process _process;
    private readonly Task _reading;

    private volatile bool _isDisposed;

    private ChildProcess(Process process, Action<string> onLine)
    {
        (_process, Id) = (process, process.Id);
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput, onLine), ReadAsync(process.StandardError, onLine));
    }

    /// <summary>Starts a .NET program; every line it prints is handed over as it comes.</summary>
    /// <param name="assembly">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="onLine">Takes the lines.</param>
    /// <param name="environment">Variables besides those of this process.</param>
    public static ChildProcess Start(
        string assembly,
        IEnumerable<string> arguments,
        Action<string> onLine,
        IReadOnlyDictionary<string, string>? environment = null) =>
        StartNative(ProgramFile.Dotnet, [assembly, .. arguments], onLine, environment);

    /// <summary>Starts any program.</summary>
    public static ChildProcess StartNative(
        string program,
        IEnumerable<string> arguments,
        Action<string> onLine,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return new ChildProcess(Process.Start(start)!, onLine);
    }

    /// <summary>Its number.</summary>
    public int Id { get; }

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _isDisposed || _process.HasExited;

    /// <summary>SIGKILL: the process gets no chance to do anything more.</summary>
    public void Kill()
    {
        if (!HasExited)
            _process.Kill();
    }

    /// <summary>SIGTERM: asks it to end.</summary>
    public void Terminate() => Signal(SigTerm);

    /// <summary>SIGINT: what Ctrl-C at a terminal does.</summary>
    public void Interrupt() => Signal(SigInt);

    /// <summary>Waits for its end and its last line.</summary>
    /// <returns>The exit code; 128 + signal after a kill.</returns>
    public async Task<int> WaitAsync(CancellationToken cancel)
    {
        await _process.WaitForExitAsync(cancel);
        await _reading;
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        await _process.WaitForExitAsync();
        _isDisposed = true;
        _process.Dispose();
    }

    private void Signal(int signal)
    {
        if (HasExited)
            return;
        if (OperatingSystem.IsWindows())
            _process.Kill();
        else
            _ = SendSignal(Id, signal);
    }

    private static async Task ReadAsync(StreamReader reader, Action<string> onLine)
    {
        while (await reader.ReadLineAsync() is { } line)
            onLine(line);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
