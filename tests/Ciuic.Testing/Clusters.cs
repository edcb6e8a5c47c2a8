namespace Ciuic.Testing;

/// <summary>Clusters that a test starts one after the other; all end with it.</summary>
public abstract class Clusters : IAsyncDisposable
{
    private readonly List<CiuicCluster> _clusters = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var cluster in _clusters)
            await cluster.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected async Task<CiuicCluster> StartAsync(CiuicCluster cluster)
    {
        _clusters.Add(cluster);
        await cluster.InitializeAsync();
        return cluster;
    }
}
