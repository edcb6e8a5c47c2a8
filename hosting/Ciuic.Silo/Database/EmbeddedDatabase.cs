using System.Data.Common;
using Ciuic.Core;
using Microsoft.Data.Sqlite;
using Orleans.Hosting;

namespace Ciuic.Silo;

/// <summary>SQLite in a file of this silo's own: a cluster of one.</summary>
/// <param name="path">The file.</param>
/// <param name="source">Its connections.</param>
internal sealed class EmbeddedDatabase(string path, SqliteDataSource source) : ISiloDatabase
{
    /// <summary>How Orleans calls SQLite; it maps this to Microsoft.Data.Sqlite.</summary>
    private const string Invariant = "System.Data.SQLite";

    public string Location => Path.GetFullPath(path);

    public DbDataSource Source => source;

    public async Task CheckAsync(CancellationToken cancel)
    {
        try
        {
            await using var connection = (SqliteConnection)await source.OpenConnectionAsync(cancel);
            await using var transaction = connection.BeginTransaction(deferred: false); // takes the writer's lock, and writes nothing
        }
        catch (SqliteException error)
        {
            throw new UnavailableException($"{Location} takes no writes: {error.Message}", error);
        }
    }

    public void AddTo(ISiloBuilder silo, SiloOptions options)
    {
        silo.UseLocalhostClustering(options.SiloPort, options.GatewayPort, null, options.ServiceId, options.ClusterId);
        silo.AddState(Invariant, source);
    }
}
