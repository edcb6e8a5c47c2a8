using System.Net;
using System.Net.Sockets;
using Ciuic.Core;

namespace Ciuic.Trainer;

/// <summary>Where one demo keeps everything, and the settings that lead its processes there.</summary>
internal sealed record DemoPlace
{
    private DemoPlace(string folder)
    {
        Folder = Path.GetFullPath(folder);
        try
        {
            Directory.CreateDirectory(Folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"--data: '{folder}' cannot be made: {error.Message}", error);
        }

        (SiloPort, GatewayPort) = (FreePort(), FreePort());
        StoreSettings = [$"Ciuic:Store:Uri={StoreUri}"];
    }

    public string Folder { get; }

    public int SiloPort { get; }

    public int GatewayPort { get; }

    /// <summary>Port of the silo's HTTP API; 0: there is none.</summary>
    public int ApiPort { get; init; }

    /// <summary>Where the silo leaves the key for its HTTP API.</summary>
    public string ApiKeyFile => Path.Combine(Folder, "api.key");

    public string StorePath => Path.Combine(Folder, "store");

    public string StoreUri => $"file:{StorePath}";

    /// <summary>Settings, each NAME=VALUE, that lead to the bucket.</summary>
    public IReadOnlyList<string> StoreSettings { get; init; }

    /// <summary>The command that starts its silo, before the silo's own: such as one that enters a network namespace.</summary>
    public IReadOnlyList<string> Launcher { get; init; } = [];

    public string SiloLog => Path.Combine(Folder, "silo.log");

    /// <summary>A folder of the caller's, or a new one under artifacts/demo.</summary>
    /// <exception cref="InvalidInputException">The folder holds something already, or cannot be made.</exception>
    public static DemoPlace Open(string? folder)
    {
        if (folder is null)
            return new DemoPlace(NewFolder());
        if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()))
            throw new InvalidInputException($"--data: '{folder}' is not empty; give a new or an empty folder.");
        return new DemoPlace(folder);
    }

    public IEnumerable<string> SiloSettings =>
    [
        $"--Ciuic:Silo:SiloPort={SiloPort}",
        $"--Ciuic:Silo:GatewayPort={GatewayPort}",
        $"--Ciuic:Gateway:Port={ApiPort}",
        $"--Ciuic:Gateway:LocalKeyFile={ApiKeyFile}",
        $"--Ciuic:Database:Path={Path.Combine(Folder, "silo", "ciuic.db")}",
        $"--Ciuic:Ledger:KeyDirectory={Path.Combine(Folder, "silo", "keys")}",
        "--Ciuic:Ledger:Origin=ciuic.local/demo",
        .. StoreSettings.Select(setting => $"--{setting}"),
    ];

    public IEnumerable<string> ClientSettings =>
    [
        "--set", $"Ciuic:Client:Gateways:0=127.0.0.1:{GatewayPort}",
        "--set", $"Ciuic:Client:StateDirectory={Path.Combine(Folder, "client")}",
        "--set", $"Ciuic:Save:SpoolDirectory={Path.Combine(Folder, "spool")}",
        .. StoreSettings.SelectMany(setting => (string[])["--set", setting]),
    ];

    private static string NewFolder()
    {
        var parent = Path.Combine("artifacts", "demo");
        var number = 1;
        while (Directory.Exists(Path.Combine(parent, $"{number}")))
            number++;
        return Path.Combine(parent, $"{number}");
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
