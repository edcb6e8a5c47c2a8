using Microsoft.Extensions.Hosting;

namespace Ciuic.Gateway;

/// <summary>For web servers within a silo's process: .NET's own lifetime would take SIGTERM for the server alone; it ends with the silo.</summary>
public sealed class LifetimeOfTheSilo : IHostLifetime
{
    /// <inheritdoc/>
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
