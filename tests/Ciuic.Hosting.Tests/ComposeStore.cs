using System.Collections.Concurrent;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.Hosting.Tests;

/// <summary>The S3 server of compose.yaml: its script, run on this machine's Ceph, on loopback.</summary>
/// <param name="folder">Where it lives.</param>
/// <param name="secrets">The folder with its keys.</param>
internal sealed class ComposeStore(string folder, string secrets) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly int[] _ports = FreePorts.Take(2);
    private readonly ConcurrentQueue<string> _lines = [];
    private ChildProcess? _process;

    public string Endpoint => $"http://127.0.0.1:{_ports[0]}";

    private Dictionary<string, string> Environment => new()
    {
        ["CEPH_FOLDER"] = folder,
        ["CEPH_S3_LISTEN"] = $"127.0.0.1:{_ports[0]}",
        ["CEPH_MONITOR_PORT"] = $"{_ports[1]}",
        ["CEPH_STORE_GIB"] = "4",
        ["CEPH_BUCKET"] = "ciuic",
        ["CEPH_SECRETS"] = secrets,
    };

    /// <summary>Starts it, on what it had stored before, and waits until its health check passes.</summary>
    public async Task StartAsync()
    {
        _process = ChildProcess.StartNative("bash", [Script], _lines.Enqueue, Environment);
        using var deadline = new CancellationTokenSource(Patience);
        while (!_lines.Any(l => l.Contains("is ready", StringComparison.Ordinal)))
        {
            Assert.False(deadline.IsCancellationRequested, string.Join('\n', _lines));
            await Task.Delay(100);
        }

        Assert.Equal(0, await HealthAsync());
    }

    /// <summary>The exit code of the container's health check.</summary>
    public async Task<int> HealthAsync()
    {
        await using var check = ChildProcess.StartNative("bash", [Script, "health"], _ => { }, Environment);
        return await check.WaitAsync(CancellationToken.None);
    }

    /// <summary>SIGTERM.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> StopAsync()
    {
        _process!.Terminate();
        using var deadline = new CancellationTokenSource(Patience);
        var code = await _process.WaitAsync(deadline.Token);
        _process = null;
        _lines.Clear();
        return code;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await StopAsync(); // the daemons are its children, and end with it only so
    }

    private static string Script => Yaml.PathOf("compose", "ceph.sh");
}
