using Ciuic.Testing;

namespace Ciuic.Client.Tests;

/// <summary>How these tests ask their cluster: as Orleans clients. Ciuic.Gateway.Tests has them ask it over HTTP.</summary>
internal static class ClusterAccess
{
    public static ICoordinator Of(CiuicCluster cluster, SwitchedConnection connection) => new OrleansCoordinator(connection);
}
