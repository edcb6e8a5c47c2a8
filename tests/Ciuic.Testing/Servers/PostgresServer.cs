using System.Globalization;
using System.Net;

namespace Ciuic.Testing;

/// <summary>A real PostgreSQL on loopback, in a folder that goes with it. Debian: postgresql.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    public const string Password = "ciuic-test-password";

    private const string User = "ciuic";

    /// <summary>Who it runs as where the tests run as root, whom it refuses.</summary>
    private const string SystemUser = "postgres";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();
    private readonly int _port = FreePorts.Take(1)[0];
    private ServerProcess? _server;
    private int _databases;

    private readonly IPAddress _address;

    private PostgresServer(IPAddress address) => _address = address;

    private string Port => _port.ToString(CultureInfo.InvariantCulture);

    private string Data => _folder.File("data");

    /// <summary>What is missing on this machine; null where nothing is.</summary>
    public static string? Missing() => Folder() is null ? "there is no PostgreSQL: apt-get install postgresql" : null;

    /// <summary>Starts one, within seconds.</summary>
    /// <param name="address">Where it listens; by default loopback.</param>
    public static async Task<PostgresServer> StartAsync(IPAddress? address = null)
    {
        var server = new PostgresServer(address ?? IPAddress.Loopback);
        try
        {
            await server.MakeAsync();
            await server.RestartAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Kills it as a crash would, if it runs, and starts it again on the same data.</summary>
    public async Task RestartAsync()
    {
        Stop();
        using var deadline = new CancellationTokenSource(Patience);
        while (true)
        {
            // While a process of the killed one still lives, a new one ends at once.
            if (_server is { HasExited: true })
                Stop();
            _server ??= Start("postgres", "-D", Data, "-k", Data, "-h", $"{_address}", "-p", Port, "-c", "max_connections=200");
            try
            {
                await RunAsync("pg_isready", "-h", $"{_address}", "-p", Port);
                return;
            }
            catch (InvalidOperationException)
            {
                await Task.Delay(50, deadline.Token);
            }
        }
    }

    /// <summary>Makes an empty database.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> NewDatabaseAsync()
    {
        var name = $"test{Interlocked.Increment(ref _databases)}";
        await RunAsync(
            "psql", $"host={_address} port={_port} user={User} password={Password} dbname=postgres", "-q", "-c", $"CREATE DATABASE {name}");
        return ConnectionString(name);
    }

    /// <summary>How to reach a database, whether it is there or not.</summary>
    public string ConnectionString(string database, string password = Password) =>
        $"Host={_address};Port={_port};Database={database};Username={User};Password={password}";

    /// <summary>Kills it as a crash would.</summary>
    public void Kill() => Stop();

    public ValueTask DisposeAsync()
    {
        Stop();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Stop()
    {
        _server?.Dispose();
        _server = null;
    }

    private async Task MakeAsync()
    {
        Directory.CreateDirectory(Data);
        var password = _folder.File("password");
        await File.WriteAllTextAsync(password, Password);
        if (Environment.IsPrivilegedProcess)
        {
            await ServerProcess.RunAsync(Patience, "chmod", "711", _folder.Path);
            await ServerProcess.RunAsync(Patience, "chown", SystemUser, Data, password);
        }

        await RunAsync("initdb", "-D", Data, "-U", User, "-A", "scram-sha-256", $"--pwfile={password}", "-E", "UTF8", "--no-sync");
        await File.AppendAllTextAsync(Path.Combine(Data, "pg_hba.conf"), "host all all samenet scram-sha-256\n");
    }

    private static ServerProcess Start(string program, params string[] arguments)
    {
        var (name, all) = As(program, arguments);
        return ServerProcess.Start(name, all);
    }

    private static Task<string> RunAsync(string program, params string[] arguments)
    {
        var (name, all) = As(program, arguments);
        return ServerProcess.RunAsync(Patience, name, all);
    }

    /// <summary>setpriv becomes the program, so that its id is the server's.</summary>
    private static (string Program, string[] Arguments) As(string program, string[] arguments)
    {
        var path = Path.Combine(Folder()!, program);
        return Environment.IsPrivilegedProcess
            ? ("setpriv", [$"--reuid={SystemUser}", $"--regid={SystemUser}", "--clear-groups", path, .. arguments])
            : (path, arguments);
    }

    private static string? Folder() => Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Select(f => Path.Combine(f, "bin")).Where(f => File.Exists(Path.Combine(f, "initdb"))).Max()
        : null;
}
