using Ciuic.Testing;

[assembly: AssemblyFixture(typeof(Ciuic.Postgres.Tests.Server))]

namespace Ciuic.Postgres.Tests;

/// <summary>One server for all tests of this project; each has a database of its own.</summary>
public sealed class Server : IAsyncLifetime
{
    private PostgresServer? _server;

    /// <summary>The server. Where there is none, the test that asks is skipped, or fails where it is required.</summary>
    public PostgresServer Postgres
    {
        get
        {
            Required.Need("postgres", PostgresServer.Missing());
            return _server!;
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (PostgresServer.Missing() is null)
            _server = await PostgresServer.StartAsync();
    }

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;
}
