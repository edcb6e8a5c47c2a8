using Ciuic.Core;
using Ciuic.Testing;
using Npgsql;

namespace Ciuic.Postgres.Tests;

public sealed class PostgresDatabaseTests(Server server)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Tables_are_made_only_on_request_and_then_found()
    {
        var connection = await server.Postgres.NewDatabaseAsync();
        Assert.Contains("ciuic silo init-db", await RefusedAsync(connection));
        await using (var made = await PostgresDatabase.OpenAsync(connection, createsSchema: true, None))
            Assert.StartsWith("PostgreSQL test", made.Location);
        await using var found = await PostgresDatabase.OpenAsync(connection, createsSchema: false, None);
    }

    [Fact]
    public async Task A_database_that_only_reads_fails_its_check_and_says_so()
    {
        var connection = await server.Postgres.NewDatabaseAsync();
        await using (var database = await PostgresDatabase.OpenAsync(connection, createsSchema: true, None))
        {
            await database.CheckAsync(None);
            await ScalarAsync(
                database,
                "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END$$");
        }

        // What is set for a database counts for new connections.
        var reader = new NpgsqlConnectionStringBuilder(connection) { ApplicationName = "reader" }.ConnectionString;
        await using var standby = await PostgresDatabase.OpenAsync(reader, createsSchema: false, None);
        Assert.Contains("read-only", (await Assert.ThrowsAsync<UnavailableException>(() => standby.CheckAsync(None))).Message);
    }

    [Fact]
    public async Task Several_that_start_at_once_do_not_fight()
    {
        var connection = await server.Postgres.NewDatabaseAsync();
        var opened = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(_ => Task.Run(() => PostgresDatabase.OpenAsync(connection, createsSchema: true, None))));
        Assert.Equal(1L, await ScalarAsync(opened[0], "SELECT COUNT(*) FROM CiuicSchema"));
        foreach (var database in opened)
            await database.DisposeAsync();
    }

    [Fact]
    public async Task A_database_of_an_older_release_gets_the_table_that_came_later_and_keeps_its_version()
    {
        var connection = await server.Postgres.NewDatabaseAsync();
        await using (var old = await PostgresDatabase.OpenAsync(connection, createsSchema: true, None))
            await ScalarAsync(old, "DROP TABLE CiuicMemory");
        await using var database = await PostgresDatabase.OpenAsync(connection, createsSchema: false, None);
        Assert.Equal(0L, await ScalarAsync(database, "SELECT COUNT(*) FROM CiuicMemory"));
        Assert.Equal(1, await ScalarAsync(database, "SELECT Version FROM CiuicSchema"));
    }

    [Fact]
    public async Task A_schema_of_another_version_is_refused_and_left_alone()
    {
        var connection = await server.Postgres.NewDatabaseAsync();
        await using var database = await PostgresDatabase.OpenAsync(connection, createsSchema: true, None);
        await ScalarAsync(database, "UPDATE CiuicSchema SET Version = 99");
        Assert.Contains("99", await RefusedAsync(connection, createsSchema: true));
        Assert.Equal(99, await ScalarAsync(database, "SELECT Version FROM CiuicSchema"));
    }

    [Fact]
    public async Task A_wrong_password_and_a_missing_database_are_named_and_the_password_is_not()
    {
        var wrong = await RefusedAsync(server.Postgres.ConnectionString("postgres", "guess"));
        Assert.Contains("password authentication failed", wrong);
        Assert.DoesNotContain("guess", wrong);
        Assert.Contains("nobody_made_this", await RefusedAsync(server.Postgres.ConnectionString("nobody_made_this")));
    }

    [Theory]
    [InlineData("Host=127.0.0.1", "Host and Database")]
    [InlineData("Hots=127.0.0.1;Database=x", "connection string")]
    [InlineData("nonsense", "connection string")]
    [InlineData("Host=x;Database=y;Password=geheim;wort=1", "quotes")]
    public async Task What_is_no_connection_string_is_refused_and_no_piece_of_it_is_printed(string text, string said)
    {
        var message = await RefusedAsync(text);
        Assert.Contains(said, message);
        Assert.DoesNotContain("wort=", message);
        Assert.DoesNotContain("'wort'", message);
    }

    [Fact]
    public async Task A_server_that_is_away_is_unavailable()
    {
        var error = await Assert.ThrowsAsync<UnavailableException>(() => PostgresDatabase.OpenAsync(
            $"Host=127.0.0.1;Port={FreePorts.Take(1)[0]};Database=x;Username=x", createsSchema: false, None));
        Assert.Contains("does not answer", error.Message);
    }

    [Fact]
    public async Task What_was_committed_is_there_after_the_server_was_killed()
    {
        await using var own = await StartAsync();
        var connection = await own.NewDatabaseAsync();
        await using (var database = await PostgresDatabase.OpenAsync(connection, createsSchema: true, None))
            Assert.Equal(1, await new StoredState(database).WriteAsync(null, [1]));
        await own.RestartAsync();
        await using var again = await PostgresDatabase.OpenAsync(connection, createsSchema: false, None);
        Assert.Equal(2, await new StoredState(again).WriteAsync(1, [2]));
    }

    private static Task<PostgresServer> StartAsync()
    {
        Required.Need("postgres", PostgresServer.Missing());
        return PostgresServer.StartAsync();
    }

    private static async Task<string> RefusedAsync(string connection, bool createsSchema = false) =>
        (await Assert.ThrowsAsync<InvalidInputException>(() => PostgresDatabase.OpenAsync(connection, createsSchema, None))).Message;

    private static async Task<object?> ScalarAsync(PostgresDatabase database, string sql)
    {
        await using var command = database.Source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }
}
