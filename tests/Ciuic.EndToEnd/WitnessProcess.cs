namespace Ciuic.EndToEnd;

/// <summary><c>ciuic witness</c> as a process; can be killed and comes back at the same address.</summary>
internal sealed class WitnessProcess(string folder, string policy, int number) : IAsyncDisposable
{
    private ProgramRun? _process;
    private string _listen = "127.0.0.1:0";

    /// <summary>Its line for a ledger's policy file.</summary>
    public string PolicyLine { get; private set; } = "";

    public string Name => PolicyLine.Split(' ')[1];

    public async Task StartAsync()
    {
        _process = ProgramRun.Cli(
            "witness", "--listen", _listen, "--data", folder, "--policy", policy, "--name", $"witness.test/w{number}");
        await _process.UntilAsync(l => l.StartsWith("witness ", StringComparison.Ordinal));
        PolicyLine = _process.Lines.Single(l => l.StartsWith("witness ", StringComparison.Ordinal));
        _listen = new Uri(PolicyLine.Split(' ')[3]).Authority;
    }

    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.ExitAsync();
        await _process.DisposeAsync();
        _process = null;
    }

    /// <summary>SIGTERM.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> StopAsync()
    {
        _process!.Terminate();
        return await _process.ExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
    }
}
