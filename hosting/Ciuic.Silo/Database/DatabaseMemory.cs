using System.Data.Common;
using Ciuic.Core;

namespace Ciuic.Silo;

/// <summary>Table CiuicMemory, in words that SQLite and PostgreSQL both understand. Clusters of several names may share a database.</summary>
/// <param name="source">The database.</param>
/// <param name="service">The cluster's name in it.</param>
/// <param name="location">Where it is, for people.</param>
internal sealed class DatabaseMemory(DbDataSource source, string service, string location) : IClusterMemory
{
    /// <summary>How Orleans calls the state of snapshots: <c>SnapshotGrain</c> keeps it under this name.</summary>
    private const string Snapshots = "SELECT EXISTS (SELECT 1 FROM OrleansStorage WHERE ServiceId = @service AND GrainTypeString LIKE '%snapshot')";

    private const string InsufficientPrivilege = "42501"; // of the SQL standard

    public string Location => location;

    public async Task<string?> ReadAsync(string name, CancellationToken cancel) => (await QueryAsync(
        "SELECT Name, Content FROM CiuicMemory WHERE ServiceId = @service AND Name = @name", cancel, ("@name", name))).GetValueOrDefault(name);

    public async Task<IReadOnlyDictionary<string, string>> ReadAllAsync(string prefix, CancellationToken cancel) =>
        (await QueryAsync("SELECT Name, Content FROM CiuicMemory WHERE ServiceId = @service", cancel))
        .Where(row => row.Key.StartsWith(prefix, StringComparison.Ordinal))
        .ToDictionary(StringComparer.Ordinal);

    // One statement, and so a transaction of its own: dying before or after it, one of the two texts is there.
    public Task<bool> TryWriteAsync(string name, string? before, string text, CancellationToken cancel) => ExecuteAsync(
        before is null
            ? "INSERT INTO CiuicMemory (ServiceId, Name, Content) VALUES (@service, @name, @text) ON CONFLICT DO NOTHING"
            : "UPDATE CiuicMemory SET Content = @text WHERE ServiceId = @service AND Name = @name AND Content = @before",
        async command => await command.ExecuteNonQueryAsync(cancel) == 1,
        cancel,
        ("@name", name), ("@text", text), ("@before", before ?? ""));

    public Task<bool> HasSnapshotsAsync(CancellationToken cancel) => ExecuteAsync(
        Snapshots, async command => await command.ExecuteScalarAsync(cancel) is true or 1L, cancel);

    private Task<Dictionary<string, string>> QueryAsync(
        string sql, CancellationToken cancel, params (string Name, string Value)[] parameters) => ExecuteAsync(
        sql,
        async command =>
        {
            var rows = new Dictionary<string, string>(StringComparer.Ordinal);
            await using var reader = await command.ExecuteReaderAsync(cancel);
            while (await reader.ReadAsync(cancel))
                rows[reader.GetString(0)] = reader.GetString(1);
            return rows;
        },
        cancel,
        parameters);

    private async Task<T> ExecuteAsync<T>(
        string sql, Func<DbCommand, Task<T>> run, CancellationToken cancel, params (string Name, string Value)[] parameters)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancel);
            await using var command = connection.CreateCommand();
            command.CommandText = sql;
            foreach (var (name, value) in parameters.Append(("@service", service)).Where(p => sql.Contains(p.Item1, StringComparison.Ordinal)))
            {
                var parameter = command.CreateParameter();
                (parameter.ParameterName, parameter.Value) = (name, value);
                command.Parameters.Add(parameter);
            }

            return await run(command);
        }
        catch (DbException error) when (error.SqlState == InsufficientPrivilege)
        {
            throw new InvalidInputException(
                $"{location}: {error.Message.ReplaceLineEndings(" ")}: grant this user SELECT, INSERT and UPDATE on the table CiuicMemory, as on the others.", error);
        }
        catch (Exception error) when (error is DbException or TimeoutException or System.Net.Sockets.SocketException)
        {
            throw new UnavailableException($"{location} does not answer: {error.GetBaseException().Message.ReplaceLineEndings(" ")}.", error);
        }
    }
}
