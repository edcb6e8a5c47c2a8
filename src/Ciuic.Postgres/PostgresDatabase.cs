using System.Net.Sockets;
using Ciuic.Core;
using Npgsql;

namespace Ciuic.Postgres;

/// <summary>The tables in which a cluster of silos keeps its state, on PostgreSQL.</summary>
public sealed class PostgresDatabase : IAsyncDisposable
{
    private const int SchemaVersion = 1;

    /// <summary>Any number, the same for all silos: who makes the tables holds this lock.</summary>
    private const long SchemaLock = 0x43_69_75_69_63;

    private readonly NpgsqlDataSource _source;

    private PostgresDatabase(NpgsqlDataSource source, string location) => (_source, Location) = (source, location);

    /// <summary>Where it is, for messages: never with a password.</summary>
    public string Location { get; }

    /// <summary>Its connections.</summary>
    public NpgsqlDataSource Source => _source;

    /// <summary>Opens a database that has its tables.</summary>
    /// <param name="connectionString">As Npgsql takes it: <c>Host=...;Database=...;Username=...;Password=...</c>.</param>
    /// <param name="createsSchema">Whether the tables are made where there are none.</param>
    /// <param name="cancel">Ends the opening.</param>
    /// <exception cref="InvalidInputException">
    /// The string is none, the server refuses these credentials or this database, or its tables are missing or of another version.
    /// </exception>
    /// <exception cref="UnavailableException">The server does not answer.</exception>
    public static async Task<PostgresDatabase> OpenAsync(string connectionString, bool createsSchema, CancellationToken cancel)
    {
        var settings = Parse(connectionString);
        var database = new PostgresDatabase(
            NpgsqlDataSource.Create(settings), $"PostgreSQL {settings.Database} on {settings.Host}:{settings.Port}");
        try
        {
            await database.EnsureSchemaAsync(createsSchema, cancel);
            return database;
        }
        catch (Exception error)
        {
            await database.DisposeAsync();
            throw error is NpgsqlException or SocketException or TimeoutException ? database.Explain(error) : error;
        }
    }

    /// <summary>Returns when the server has answered and takes writes.</summary>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="InvalidInputException">The server refuses these credentials or this database.</exception>
    /// <exception cref="UnavailableException">The server does not answer, or only reads: a standby is one.</exception>
    public async Task CheckAsync(CancellationToken cancel)
    {
        try
        {
            await using var connection = await _source.OpenConnectionAsync(cancel);
            if (await ScalarAsync(connection, "SHOW transaction_read_only", cancel) is not "off")
                throw new UnavailableException($"{Location} takes no writes: it is read-only.");
        }
        catch (Exception error) when (error is NpgsqlException or SocketException or TimeoutException)
        {
            throw Explain(error);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private static NpgsqlConnectionStringBuilder Parse(string connectionString)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(connectionString);
            return string.IsNullOrEmpty(settings.Host) || string.IsNullOrEmpty(settings.Database)
                ? throw new InvalidInputException("Ciuic:Database:PostgreSql must name Host and Database.")
                : settings;
        }
        catch (Exception error) when (error is ArgumentException or FormatException or KeyNotFoundException or InvalidCastException)
        {
            // What Npgsql says may name a piece of a password that was not quoted.
            throw new InvalidInputException(
                "Ciuic:Database:PostgreSql is no connection string of Npgsql's: it is Host=...;Database=...;Username=...;Password=..., with quotes "
                + "around a value that holds ';' or '='.");
        }
    }

    /// <summary>Several silos that start at once wait for the one that makes the tables, and find them.</summary>
    private async Task EnsureSchemaAsync(bool createsSchema, CancellationToken cancel)
    {
        await using var connection = await _source.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({SchemaLock})", cancel);
        if (await ScalarAsync(connection, "SELECT to_regclass('CiuicSchema')::text", cancel) is null)
        {
            if (!createsSchema)
            {
                throw new InvalidInputException(
                    $"{Location} has no tables of ours: run 'ciuic silo init-db', or set Ciuic:Database:CreateSchema to true.");
            }

            await ExecuteAsync(connection, ReadScript("schema.sql"), cancel);
        }

        var version = await ScalarAsync(connection, "SELECT MAX(Version) FROM CiuicSchema", cancel);
        if (version is not SchemaVersion)
        {
            throw new InvalidInputException(
                $"{Location} has schema version {version}, this program needs {SchemaVersion}: use the release that fits.");
        }

        await EnsureMemoryAsync(connection, cancel);
        await transaction.CommitAsync(cancel);
    }

    /// <summary>
    /// The table of what silos remember together came later, and silos that do not know it leave it alone: it is made where it is missing,
    /// under the same version, so that silos of both releases run beside each other while a cluster is brought up to date.
    /// </summary>
    private async Task EnsureMemoryAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        if (await ScalarAsync(connection, "SELECT to_regclass('CiuicMemory')::text", cancel) is not null)
            return;
        try
        {
            await ExecuteAsync(connection, ReadScript("memory.sql"), cancel);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new InvalidInputException(
                $"{Location} lacks the table CiuicMemory of this release, and this user may make none: run 'ciuic silo init-db' as one that may.",
                error);
        }
    }

    private CiuicException Explain(Exception error) => error switch
    {
        PostgresException { SqlState: var state } refused when IsOfSettings(state) =>
            new InvalidInputException($"{Location}: {refused.MessageText.ReplaceLineEndings(" ")}.", error),
        _ => new UnavailableException($"{Location} does not answer: {error.GetBaseException().Message.ReplaceLineEndings(" ")}.", error),
    };

    /// <summary>Wrong password or user, no such database, no right to it: classes 28, 3D and 42 of the SQL standard's states.</summary>
    private static bool IsOfSettings(string state) =>
        state.StartsWith("28", StringComparison.Ordinal)
        || state.StartsWith("3D", StringComparison.Ordinal)
        || state.StartsWith("42", StringComparison.Ordinal);

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancel);
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancel) is { } value and not DBNull ? value : null;
    }

    private static string ReadScript(string name)
    {
        using var script = typeof(PostgresDatabase).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(script);
        return reader.ReadToEnd();
    }
}
