using Microsoft.Extensions.Hosting;
using Orleans.Runtime;

namespace Ciuic.Silo;

/// <summary>
/// What a supervisor is told. Each answer is a list of what is wrong; an empty one is well. A silo that is not alive is killed and
/// started again, so only what a new process would mend counts there; one that is not ready is waited for.
/// </summary>
/// <param name="lifetime">This process.</param>
/// <param name="status">What this silo knows of itself; asking it asks nobody else.</param>
/// <param name="parts">What work needs besides this process.</param>
internal sealed class SiloHealth(IHostApplicationLifetime lifetime, Func<SiloStatus> status, IReadOnlyList<WatchedPart> parts)
{
    private bool HasStarted => lifetime.ApplicationStarted.IsCancellationRequested;

    private bool IsStopping => lifetime.ApplicationStopping.IsCancellationRequested;

    /// <summary>The process answers, and the cluster has not given it up.</summary>
    public IReadOnlyList<string> Live() =>
        status() == SiloStatus.Dead && !IsStopping ? ["silo: the cluster has declared it dead"] : [];

    /// <summary>It has joined the cluster. From then on <see cref="Live"/> counts.</summary>
    public IReadOnlyList<string> Startup() => HasStarted ? [] : [$"silo: starting ({status()})"];

    /// <summary>A save that comes now can be committed.</summary>
    public async Task<IReadOnlyList<string>> ReadyAsync()
    {
        if (!HasStarted)
            return Startup();
        if (IsStopping)
            return ["silo: stopping"];
        if (status() != SiloStatus.Active)
            return [$"silo: {status()}"];
        var problems = await Task.WhenAll(parts.Select(part => part.ProblemAsync()));
        return problems.OfType<string>().ToList();
    }
}
