using Ciuic.Client;

namespace Ciuic.Gateway;

/// <summary>The cluster that this process is part of.</summary>
internal sealed class ConnectedCluster(IGrainFactory grains) : IClusterConnection
{
    public string Address => "this silo";

    public IGrainFactory? Grains => grains;

    public Task ConnectAsync(CancellationToken cancel) => Task.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
