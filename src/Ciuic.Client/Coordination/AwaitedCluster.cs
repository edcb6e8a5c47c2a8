namespace Ciuic.Client;

/// <summary>The cluster, for whoever asks it a question before anything else has looked for a silo.</summary>
/// <param name="coordinator">Asks.</param>
/// <param name="connectAsync">Looks for a silo, with the patience of the settings.</param>
internal sealed class AwaitedCluster(ICoordinator coordinator, Func<CancellationToken, Task> connectAsync)
{
    private volatile bool _isConnected;

    /// <summary>One that is there: it is asked within the cluster itself.</summary>
    public static AwaitedCluster Of(ICoordinator coordinator) => new(coordinator, _ => Task.CompletedTask);

    /// <summary>Returns once a silo has answered; later questions find their way by themselves.</summary>
    /// <exception cref="Core.UnavailableException">None answers.</exception>
    public async Task<ICoordinator> GetAsync(CancellationToken cancel)
    {
        if (!_isConnected)
            await connectAsync(cancel);
        _isConnected = true;
        return coordinator;
    }
}
