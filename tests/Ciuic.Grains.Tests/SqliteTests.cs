using Ciuic.Core;
using Ciuic.Silo;
using Ciuic.Testing;
using Microsoft.Data.Sqlite;

namespace Ciuic.Grains.Tests;

/// <summary>The queries that Orleans runs, with what it binds to them.</summary>
public sealed class SqliteTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SqliteDataSource _source;

    public SqliteTests() => _source = SqliteDatabase.Open(_folder.File("db/ciuic.db"));

    [Fact]
    public void A_first_write_a_next_write_and_a_stale_write()
    {
        Assert.Equal(1, Write(null, [1]));
        Assert.Equal(2, Write(1, [2]));
        Assert.Null(Write(1, [3])); // stale
        Assert.Null(Write(null, [3])); // a second first write
        Assert.Equal(3, Write(2, [4]));
    }

    [Fact]
    public void An_update_of_what_is_not_there_changes_nothing() => Assert.Null(Write(5, [1]));

    [Fact]
    public async Task Of_concurrent_first_writes_exactly_one_wins()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => Write(null, [(byte)i]))));
        Assert.Single(results, r => r is not null);
    }

    [Fact]
    public async Task Of_concurrent_next_writes_exactly_one_wins()
    {
        Write(null, [0]);
        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => Write(1, [(byte)i]))));
        Assert.Single(results, r => r is not null);
    }

    [Fact]
    public void The_database_flushes_every_commit_and_opens_again()
    {
        Write(null, [7]);
        using var again = SqliteDatabase.Open(_folder.File("db/ciuic.db"));
        using var connection = (SqliteConnection)again.OpenConnection();
        Assert.Equal("wal", Scalar(connection, "PRAGMA journal_mode"));
        Assert.Equal(2L, Scalar(connection, "PRAGMA synchronous")); // FULL
        Assert.Equal(1L, Scalar(connection, "SELECT COUNT(*) FROM OrleansStorage"));
    }

    [Fact]
    public void A_file_that_is_no_database_or_of_another_version_is_refused_and_left_alone()
    {
        var path = _folder.File("other.db");
        File.WriteAllText(path, "this is not a database, and it is long enough to be looked at as one");
        Assert.Throws<InvalidInputException>(() => SqliteDatabase.Open(path));
        Assert.StartsWith("this is not", File.ReadAllText(path));
        using var connection = (SqliteConnection)_source.OpenConnection();
        Scalar(connection, "INSERT INTO CiuicSchema VALUES (99)");
        var error = Assert.Throws<InvalidInputException>(() => SqliteDatabase.Open(_folder.File("db/ciuic.db")));
        Assert.Contains("99", error.Message);
    }

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _folder.Dispose();
    }

    private long? Write(int? version, byte[] payload)
    {
        using var connection = (SqliteConnection)_source.OpenConnection();
        var query = (string)Scalar(connection, "SELECT QueryText FROM OrleansQuery WHERE QueryKey = 'WriteToStorageKey'")!;
        using var command = connection.CreateCommand();
        command.CommandText = query;
        command.Parameters.AddWithValue("@GrainIdHash", 1);
        command.Parameters.AddWithValue("@GrainIdN0", 2L);
        command.Parameters.AddWithValue("@GrainIdN1", 3L);
        command.Parameters.AddWithValue("@GrainTypeHash", 4);
        command.Parameters.AddWithValue("@GrainTypeString", "type");
        command.Parameters.AddWithValue("@GrainIdExtensionString", "key");
        command.Parameters.AddWithValue("@ServiceId", "ciuic");
        command.Parameters.AddWithValue("@PayloadBinary", payload);
        command.Parameters.AddWithValue("@GrainStateVersion", (object?)version ?? DBNull.Value);
        return (long?)command.ExecuteScalar();
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
