using System.CommandLine;
using System.Globalization;
using System.Net;
using Ciuic.Core;
using Ciuic.Storage;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Cli;

/// <summary>
/// <c>ciuic silo health</c>: asks the silo that these settings describe how it is. For container engines that probe by a command.
/// </summary>
internal static class SiloHealthCommand
{
    private const string Port = "Ciuic:Silo:HealthPort";
    private const string Address = "Ciuic:Silo:Address";

    /// <summary>A silo's own, where nothing is set.</summary>
    private const string DefaultAddress = "127.0.0.1";

    /// <summary>A silo answers within Ciuic:Silo:HealthTimeout.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    public static Command Create(CommandOutput output)
    {
        var (set, json) = (CliSettings.Set(), CliSettings.Json());
        var of = new Option<string>("--of")
        {
            Description = "ready: database, store and ledger take writes; startup: it has joined the cluster; live: its process answers.",
            DefaultValueFactory = _ => "ready",
        };
        of.AcceptOnlyFromAmong("ready", "startup", "live");
        var command = new Command("health", $"Asks the silo at {Address} and {Port} whether it is ready; code 13 where it is not.")
        {
            of, set, json,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var uri = new Uri(Base(SettingsFile.Read(parsed.GetValue(set)!)), parsed.GetValue(of));
            await AskAsync(uri, cancel);
            if (parsed.GetValue(json))
                output.WriteJson(new { asked = uri, ok = true });
            else
                output.WriteLine("ok");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Uri Base(IConfiguration settings)
    {
        if (!ushort.TryParse(settings[Port], NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
            throw new InvalidInputException($"{Port} is {settings[Port] ?? "not set"}: give it the port where the silo tells its health.");
        var said = settings[Address] ?? DefaultAddress;
        if (!IPAddress.TryParse(said, out var address))
            throw new InvalidInputException($"{Address}: '{said}' is no IP address.");
        return new Uri($"http://{new IPEndPoint(address, port)}/");
    }

    private static async Task AskAsync(Uri uri, CancellationToken cancel)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Patience };
        try
        {
            using var answer = await http.GetAsync(uri, cancel);
            var text = await answer.Content.ReadAsStringAsync(cancel);
            if (!answer.IsSuccessStatusCode)
                throw new UnavailableException($"{uri}: {text.Trim().ReplaceLineEndings("; ")}");
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            throw new UnavailableException($"{uri} does not answer: {error.GetBaseException().Message}", error);
        }
    }
}
