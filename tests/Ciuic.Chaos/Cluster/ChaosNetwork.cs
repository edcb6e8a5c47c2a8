using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.Chaos;

/// <summary>
/// Each silo in a network namespace of its own, on one bridge, so that the way between them can be cut. All of it lies in a namespace
/// that only this program has: nobody outside can reach it, and it goes when the program ends. Linux, root, iproute2 and util-linux.
/// </summary>
internal sealed class ChaosNetwork
{
    private const string Inside = "CIUIC_CHAOS_NETWORK";
    private const string Bridge = "chaos";

    /// <summary>Arguments of unshare(1); what follows them is started in a new network that has only a loopback.</summary>
    private static readonly string[] Unshare =
    [
        "--net", "--mount", "--propagation", "private",
        "sh", "-c", "mkdir -p /run/netns && mount -t tmpfs none /run/netns && ip link set lo up && exec \"$@\"", "sh",
    ];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private ChaosNetwork()
    {
        // Made by StartAsync.
    }

    /// <summary>Whether this program is in a namespace of its own.</summary>
    public static bool IsInside => Environment.GetEnvironmentVariable(Inside) == "1";

    /// <summary>Where the store, the database and whoever is no silo are.</summary>
    public IPAddress Host { get; } = IPAddress.Parse("10.77.0.1");

    /// <summary>Runs this program again in a namespace of its own.</summary>
    /// <returns>How it ended; null where this machine lets nobody make one.</returns>
    public static async Task<int?> TryEnterAsync(string[] arguments, CancellationToken cancel)
    {
        if (!await IsPossibleAsync())
            return null;
        var start = new ProcessStartInfo("unshare")
        {
            Environment = { [Inside] = "1" },
        };
        string[] program = [ProgramFile.Dotnet, typeof(ChaosNetwork).Assembly.Location];
        foreach (var argument in (string[])[.. Unshare, .. program, .. arguments])
            start.ArgumentList.Add(argument);
        using var running = Process.Start(start)!;
        await using var ending = cancel.Register(() => _ = ServerProcess.RunAsync(Patience, "kill", "-TERM", $"{running.Id}"));
        await running.WaitForExitAsync(CancellationToken.None);
        return running.ExitCode;
    }

    /// <summary>Makes a bridge and a namespace for each silo.</summary>
    public static async Task<ChaosNetwork> StartAsync(int silos)
    {
        var network = new ChaosNetwork();
        await IpAsync("link", "add", Bridge, "type", "bridge");
        await IpAsync("addr", "add", $"{network.Host}/24", "dev", Bridge);
        await IpAsync("link", "set", Bridge, "up");
        for (var silo = 0; silo < silos; silo++)
            await network.AddAsync(silo);
        return network;
    }

    /// <summary>A silo's address.</summary>
    public string AddressOf(int silo) => $"10.77.0.{10 + silo}";

    /// <summary>What starts a program where a silo is.</summary>
    public IReadOnlyList<string> LauncherOf(int silo) => ["ip", "netns", "exec", Name(silo)];

    /// <summary>Cuts a silo off from everything, or ends that.</summary>
    public Task CutAsync(int silo, bool isCut) => IpAsync("link", "set", Outer(silo), isCut ? "down" : "up");

    /// <summary>Cuts the way between two silos, which both go on seeing everything else, or ends that.</summary>
    public Task SplitAsync(int one, int other, bool isCut) => Task.WhenAll(RouteAsync(one, other, isCut), RouteAsync(other, one, isCut));

    private static async Task<bool> IsPossibleAsync()
    {
        try
        {
            await ServerProcess.RunAsync(Patience, "unshare", [.. Unshare, "ip", "netns", "add", "try"]);
            return true;
        }
        catch (Exception error) when (error is InvalidOperationException or Win32Exception)
        {
            return false;
        }
    }

    private async Task AddAsync(int silo)
    {
        await IpAsync("netns", "add", Name(silo));
        await IpAsync("link", "add", Outer(silo), "type", "veth", "peer", "name", "eth0", "netns", Name(silo));
        await IpAsync("link", "set", Outer(silo), "master", Bridge);
        await IpAsync("link", "set", Outer(silo), "up");
        await IpAsync("-n", Name(silo), "link", "set", "lo", "up");
        await IpAsync("-n", Name(silo), "addr", "add", $"{AddressOf(silo)}/24", "dev", "eth0");
        await IpAsync("-n", Name(silo), "link", "set", "eth0", "up");
    }

    private Task RouteAsync(int from, int to, bool isCut) =>
        IpAsync("-n", Name(from), "route", isCut ? "add" : "del", "blackhole", AddressOf(to));

    private static Task IpAsync(params string[] arguments) => ServerProcess.RunAsync(Patience, "ip", arguments);

    private static string Name(int silo) => $"silo{silo}";

    private static string Outer(int silo) => $"to{silo}";
}
