using Ciuic.Core;
using Microsoft.Data.Sqlite;

namespace Ciuic.Silo;

/// <summary>The embedded database: one file, made at first start.</summary>
internal static class SqliteDatabase
{
    private const long SchemaVersion = 1;

    /// <summary>Opens the file, creating folder, file and tables where they are missing.</summary>
    /// <exception cref="InvalidInputException">The file is no database, or of another version of this program.</exception>
    public static SqliteDataSource Open(string path)
    {
        path = Path.GetFullPath(path);
        var connectionString = new SqliteConnectionStringBuilder { DataSource = path, Pooling = true }.ToString();
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var source = new SqliteDataSource(connectionString);
            using var connection = (SqliteConnection)source.OpenConnection();
            EnsureSchema(connection, path);
            return source;
        }
        catch (Exception error) when (error is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"Ciuic:Database:Path: '{path}' cannot be opened: {error.Message}", error);
        }
    }

    private static void EnsureSchema(SqliteConnection connection, string path)
    {
        Execute(connection, "PRAGMA journal_mode = WAL");
        // Immediate: of two silos starting at once, one makes the tables and the other waits and finds them.
        using var transaction = connection.BeginTransaction(deferred: false);
        if (Scalar(connection, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'CiuicSchema'") == 0)
            Execute(connection, ReadScript("schema.sql"));
        var version = Scalar(connection, "SELECT MAX(Version) FROM CiuicSchema");
        if (version != SchemaVersion)
        {
            throw new InvalidInputException(
                $"Ciuic:Database:Path: '{path}' has schema version {version}, this program needs {SchemaVersion}.");
        }

        Execute(connection, ReadScript("memory.sql")); // it came later, and releases that do not know it leave it alone
        transaction.Commit();
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static long Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() is long value ? value : 0;
    }

    private static string ReadScript(string name)
    {
        using var script = typeof(SqliteDatabase).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(script);
        return reader.ReadToEnd();
    }
}
