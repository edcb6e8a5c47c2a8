using System.CommandLine;
using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Cli;

/// <summary>Options that several commands share, and the connection they lead to.</summary>
internal static class CliSettings
{
    // Longer than a cluster needs to notice that a silo died and to move its grains.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Makes the option <c>--json</c>.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Print JSON." };

    /// <summary>Makes the option <c>--set</c>.</summary>
    public static Option<string[]> Set() => new("--set")
    {
        Description = "A setting, such as Ciuic:Client:Gateways:0=127.0.0.1:30001.",
        DefaultValueFactory = _ => [],
    };

    /// <summary>Connects to a silo.</summary>
    /// <exception cref="UnavailableException">None answers.</exception>
    public static Task<SnapshotChain> ConnectAsync(string[] overrides, CancellationToken cancel) =>
        ConnectAsync(overrides, Patience, cancel);

    /// <summary>Connects to a silo as soon as one answers, however long that takes, and says what it waits for.</summary>
    public static async Task<SnapshotChain> ConnectPatientlyAsync(CommandOutput output, string[] overrides, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                return await ConnectAsync(overrides, Patience, cancel);
            }
            catch (UnavailableException error)
            {
                output.WriteProgress($"{error.Message} Still waiting.");
            }
        }
    }

    private static async Task<SnapshotChain> ConnectAsync(string[] overrides, TimeSpan patience, CancellationToken cancel)
    {
        // What asks a silo needs no bucket, and must not create the folder of one by looking.
        var chain = await SnapshotChain.ConnectAsync(SettingsFile.Read([.. overrides, "Ciuic:Store:Uri=memory:"]));
        try
        {
            await chain.WaitForSiloAsync(patience, cancel);
            return chain;
        }
        catch
        {
            await chain.DisposeAsync();
            throw;
        }
    }

    /// <summary>Splits RUN@REF; without @REF it means the latest.</summary>
    /// <exception cref="InvalidInputException">One of the parts is malformed.</exception>
    public static (RunId Run, SnapshotRef Reference) ParseTarget(string text)
    {
        var parts = text.Split('@', 2);
        return (RunId.Parse(parts[0]), parts.Length == 2 ? SnapshotRef.Parse(parts[1]) : new SnapshotRef.Latest());
    }

    /// <summary>Who changes history: it stays in the ledger.</summary>
    public static string Actor => $"{Environment.UserName} on {Environment.MachineName}";
}
