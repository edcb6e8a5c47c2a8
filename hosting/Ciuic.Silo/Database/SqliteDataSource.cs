using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Ciuic.Silo;

/// <summary>
/// Connections with the settings that safety needs and connection strings cannot say: every commit is flushed,
/// and a busy database is waited for instead of being an error.
/// </summary>
internal sealed class SqliteDataSource(string connectionString) : DbDataSource
{
    private const string Settings = "PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;";

    public override string ConnectionString => connectionString;

    protected override DbConnection CreateDbConnection() => new SqliteConnection(connectionString);

    protected override DbConnection OpenDbConnection()
    {
        var connection = new SqliteConnection(connectionString);
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = Settings;
        command.ExecuteNonQuery();
        return connection;
    }

    protected override ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken) =>
        new(OpenDbConnection());
}
