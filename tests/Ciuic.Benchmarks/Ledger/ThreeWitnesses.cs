using System.Net;
using Ciuic.Cli;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>Three witnesses as <c>ciuic witness</c> runs them, each with its own folder and address; any two are enough.</summary>
internal sealed class ThreeWitnesses : IAsyncDisposable
{
    private readonly List<WitnessHome> _homes = [];
    private readonly List<WitnessServer> _servers = [];

    public TlogPolicy Policy { get; private set; } = TlogPolicy.Alone();

    public static async Task<ThreeWitnesses> StartAsync(string folder)
    {
        var witnesses = new ThreeWitnesses();
        var policy = $"log {TestKeys.TreeHead.Verifier}\n";
        foreach (var name in new[] { "w1", "w2", "w3" })
            policy += await witnesses.AddAsync(Path.Combine(folder, name), name);
        witnesses.Policy = TlogPolicy.Parse(policy + "group two 2 w1 w2 w3\nquorum two\n");
        return witnesses;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
        _homes.ForEach(h => h.Dispose());
    }

    /// <returns>The witness's line in the policy.</returns>
    private async Task<string> AddAsync(string folder, string name)
    {
        var home = WitnessHome.Open(folder, $"{name}.test");
        _homes.Add(home);
        var service = new WitnessService(home.Store, home.Key, [TestKeys.TreeHead.Verifier], TimeProvider.System);
        var server = await WitnessServer.StartAsync($"{IPAddress.Loopback}:0", service);
        _servers.Add(server);
        return $"witness {name} {home.Key.Verifier} {server.Address}\n";
    }
}
