using Ciuic.Core;

namespace Ciuic.Trainer;

/// <summary>A silo in a process of its own, on the embedded defaults; its output goes to a file.</summary>
internal sealed class SiloProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);

    private readonly ChildProcess _process;
    private readonly StreamWriter _log;
    private readonly TaskCompletionSource<VerifierKey> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private SiloProcess(DemoPlace place, IEnumerable<string> settings)
    {
        _log = new StreamWriter(place.SiloLog, append: true) { AutoFlush = true };
        string[] command = [.. place.Launcher, ProgramFile.Dotnet, ProgramFile.Find("Ciuic.Silo", "Ciuic.Silo"), .. place.SiloSettings, .. settings];
        _process = ChildProcess.StartNative(command[0], command[1..], OnLine);
    }

    /// <summary>The key that its printed greeting names.</summary>
    public VerifierKey Key => _ready.Task.Result;

    /// <summary>Its process's number.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended by itself.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Starts a silo and waits until it is ready.</summary>
    /// <exception cref="UnavailableException">It ended or did not become ready.</exception>
    public static async Task<SiloProcess> StartAsync(
        DemoPlace place, CancellationToken cancel, params IEnumerable<string> settings)
    {
        var silo = new SiloProcess(place, settings);
        var ended = silo._process.WaitAsync(cancel);
        var first = await Task.WhenAny(silo._ready.Task, ended, Task.Delay(StartDeadline, cancel));
        if (first == silo._ready.Task)
            return silo;
        await silo.DisposeAsync();
        throw new UnavailableException($"The silo did not start; see {place.SiloLog}.");
    }

    /// <summary>SIGTERM, and waits until it has drained.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync(CancellationToken cancel)
    {
        _process.Terminate();
        return await _process.WaitAsync(cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        await _log.DisposeAsync();
    }

    private void OnLine(string line)
    {
        lock (_log)
            _log.WriteLine(line);
        if (line.Trim().Split("  ", 2) is ["verifier key", var key])
            _ready.TrySetResult(VerifierKey.Parse(key.Trim()));
    }
}
