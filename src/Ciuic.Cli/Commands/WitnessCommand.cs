using System.CommandLine;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Cli;

/// <summary><c>ciuic witness --listen ADDRESS:PORT --data DIR --policy FILE</c></summary>
internal static class WitnessCommand
{
    public static Command Create(CommandOutput output)
    {
        var listen = new Option<string>("--listen") { Description = "ADDRESS:PORT to answer at, such as 127.0.0.1:8090.", Required = true };
        var data = new Option<string>("--data") { Description = "The witness's own folder: its key, and what it has seen.", Required = true };
        var policy = new Option<string>("--policy") { Description = "A tlog-policy file whose log lines name the ledgers to serve.", Required = true };
        var name = new Option<string?>("--name") { Description = "The witness's name; needed at first start only." };
        var command = new Command(
            "witness", "Cosigns tree heads that only ever grow: C2SP tlog-witness over HTTP. One process per folder.")
        {
            listen, data, policy, name,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var logs = PolicyFiles.Read(parsed.GetValue(policy)!).Logs;
            if (logs.Count == 0)
                throw new InvalidInputException($"--policy: '{parsed.GetValue(policy)}' names no log: there is nothing to witness.");
            using var home = WitnessHome.Open(parsed.GetValue(data)!, parsed.GetValue(name));
            var service = new WitnessService(home.Store, home.Key, logs, TimeProvider.System);
            await using var server = await WitnessServer.StartAsync(parsed.GetValue(listen)!, service);
            output.WriteLine($"Witness {home.Key.Name} is ready at {server.Address}, for {string.Join(", ", logs.Select(l => l.Name).Distinct())}.");
            output.WriteLine("The line for a ledger's policy file:");
            output.WriteLine($"witness {home.Key.Name} {home.Key.Verifier} {server.Address}");
            await server.WaitAsync(cancel);
            return ExitCode.Ok;
        });
        return command;
    }
}
