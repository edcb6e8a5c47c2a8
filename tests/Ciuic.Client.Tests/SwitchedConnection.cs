using Ciuic.Client;
using Ciuic.Testing;

namespace Ciuic.Client.Tests;

/// <summary>A connection to the test cluster that can be cut.</summary>
internal sealed class SwitchedConnection(CiuicCluster cluster) : IClusterConnection
{
    private volatile TaskCompletionSource? _cut;

    public string Address => "test";

    public IGrainFactory? Grains => _cut is null ? cluster.Grains : null;

    public void Cut() => _cut = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Mend()
    {
        var cut = _cut;
        _cut = null;
        cut?.SetResult();
    }

    public Task ConnectAsync(CancellationToken cancel) => _cut?.Task.WaitAsync(cancel) ?? Task.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
