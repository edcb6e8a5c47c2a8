using System.CommandLine;
using System.Security.Cryptography;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Cli;

/// <summary><c>ciuic key create|list|revoke</c>: who may use the HTTP API.</summary>
internal static class KeyCommands
{
    public static Command Create(CommandOutput output) => new("key", "Makes, lists and ends keys of the HTTP API.")
    {
        CreateKey(output), List(output), Revoke(output),
    };

    private static Command CreateKey(CommandOutput output)
    {
        var name = new Argument<string>("NAME") { Description = "What people call it." };
        var scope = new Option<string>("--scope")
        {
            Description = "read (look and restore), write (train, too) or admin (roll back, tag, pin, too).",
            DefaultValueFactory = _ => AccessScope.Write.Name(),
        };
        var runs = new Option<string>("--runs") { Description = "For runs whose names begin with this; all by default.", DefaultValueFactory = _ => "" };
        var days = new Option<int?>("--days") { Description = "How long it is good; until it is revoked by default." };
        var (json, set) = (CliSettings.Json(), CliSettings.Set());
        var command = new Command("create", "Makes a key and prints it: this once, and nowhere else.") { name, scope, runs, days, json, set };
        command.SetAction(async (parsed, cancel) =>
        {
            var may = AccessScopes.Parse(parsed.GetValue(scope)!);
            await using var chain = await CliSettings.ConnectAsync(parsed.GetValue(set)!, cancel);
            var key = ApiKey.Of(RandomNumberGenerator.GetBytes(ApiKey.RandomBytes));
            var goodFor = parsed.GetValue(days) is { } n
                ? n is > 0 and <= 36_500 ? TimeSpan.FromDays(n) : throw new InvalidInputException("--days: 1 to 36500.")
                : (TimeSpan?)null;
            await chain.Access.AddAsync(
                key, parsed.GetValue(name)!, may, parsed.GetValue(runs)!, goodFor, cancel);
            if (parsed.GetValue(json))
                output.WriteJson(new { id = key.Id, key = key.Reveal() });
            else
                output.WriteLine(key.Reveal());
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command List(CommandOutput output)
    {
        var (json, set) = (CliSettings.Json(), CliSettings.Set());
        var command = new Command("list", "Lists all keys, without their secrets.") { json, set };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var chain = await CliSettings.ConnectAsync(parsed.GetValue(set)!, cancel);
            var keys = await chain.Access.ListAsync(cancel);
            if (parsed.GetValue(json))
                output.WriteJson(keys.Select(k => new { k.Id, k.Scope, runs = k.RunPrefix, k.Name, k.CreatedAt, k.ExpiresAt, k.RevokedAt }));
            else
                output.WriteTable(["id", "scope", "runs", "made", "good until", "name"], keys.Select(Row));
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Revoke(CommandOutput output)
    {
        var id = new Argument<string>("ID") { Description = "The 12 digits that 'ciuic key list' shows." };
        var set = CliSettings.Set();
        var command = new Command("revoke", "Ends a key: gateways refuse it within seconds.") { id, set };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var chain = await CliSettings.ConnectAsync(parsed.GetValue(set)!, cancel);
            await chain.Access.RevokeAsync(parsed.GetValue(id)!, cancel);
            output.WriteLine($"{parsed.GetValue(id)} is ended.");
            return ExitCode.Ok;
        });
        return command;
    }

    private static string[] Row(ApiKeyRecord key) =>
    [
        key.Id,
        key.Scope.Name(),
        key.RunPrefix.Length == 0 ? "all" : $"{key.RunPrefix}*",
        Sizes.Of(key.CreatedAt),
        key.RevokedAt is { } revoked ? $"revoked {Sizes.Of(revoked)}" : key.ExpiresAt is { } expires ? Sizes.Of(expires) : "it is revoked",
        key.Name,
    ];
}
