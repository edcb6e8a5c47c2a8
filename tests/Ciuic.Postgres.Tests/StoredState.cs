using Npgsql;
using NpgsqlTypes;

namespace Ciuic.Postgres.Tests;

/// <summary>One grain's state, by the queries that Orleans runs, with what it binds to them.</summary>
internal sealed class StoredState(PostgresDatabase database, string? extension = null)
{
    public Task<int?> WriteAsync(int? version, byte[] payload) => RunAsync("WriteToStorageKey", version, payload);

    public Task<int?> ClearAsync(int? version) => RunAsync("ClearStorageKey", version, null);

    public Task<int?> DeleteAsync(int? version) => RunAsync("DeleteStorageKey", version, null);

    private async Task<int?> RunAsync(string query, int? version, byte[]? payload)
    {
        await using var find = database.Source.CreateCommand("SELECT QueryText FROM OrleansQuery WHERE QueryKey = $1");
        find.Parameters.Add(new NpgsqlParameter { Value = query });
        await using var command = database.Source.CreateCommand((string)(await find.ExecuteScalarAsync())!);
        Add(command, "GrainIdHash", NpgsqlDbType.Integer, 1);
        Add(command, "GrainIdN0", NpgsqlDbType.Bigint, 2L);
        Add(command, "GrainIdN1", NpgsqlDbType.Bigint, 3L);
        Add(command, "GrainTypeHash", NpgsqlDbType.Integer, 4);
        Add(command, "GrainTypeString", NpgsqlDbType.Varchar, "type");
        Add(command, "GrainIdExtensionString", NpgsqlDbType.Varchar, extension);
        Add(command, "ServiceId", NpgsqlDbType.Varchar, "service");
        Add(command, "GrainStateVersion", NpgsqlDbType.Integer, version);
        Add(command, "PayloadBinary", NpgsqlDbType.Bytea, payload);
        return (int?)await command.ExecuteScalarAsync();
    }

    private static void Add(NpgsqlCommand command, string name, NpgsqlDbType type, object? value) =>
        command.Parameters.Add(new NpgsqlParameter(name, type) { Value = value ?? DBNull.Value });
}
