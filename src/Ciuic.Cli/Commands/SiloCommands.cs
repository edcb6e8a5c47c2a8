using System.CommandLine;
using Ciuic.Core;
using Ciuic.Postgres;
using Ciuic.Storage;

namespace Ciuic.Cli;

/// <summary><c>ciuic silo</c>: what is done for silos, on their machine and with their settings.</summary>
internal static class SiloCommands
{
    private const string Setting = "Ciuic:Database:PostgreSql";

    public static Command Create(CommandOutput output) => new("silo", "Prepares what silos need, and asks one how it is.")
    {
        InitDb(output),
        SiloHealthCommand.Create(output),
    };

    private static Command InitDb(CommandOutput output)
    {
        var database = new Option<string?>("--database")
        {
            Description = $"Npgsql's connection string, Host=...;Database=...; default: {Setting}. With a password, better the environment "
                + "variable Ciuic__Database__PostgreSql: others on this machine can read command lines.",
        };
        var (set, json) = (CliSettings.Set(), CliSettings.Json());
        var command = new Command("init-db", "Makes the tables of a cluster in PostgreSQL; does nothing where they are.")
        {
            database, set, json,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var text = parsed.GetValue(database) ?? SettingsFile.Read(parsed.GetValue(set)!)[Setting];
            if (string.IsNullOrEmpty(text))
                throw new InvalidInputException($"Give --database, or set {Setting}: without it silos use SQLite, and make its tables themselves.");
            await using var opened = await PostgresDatabase.OpenAsync(text, createsSchema: true, cancel);
            if (parsed.GetValue(json))
                output.WriteJson(new { database = opened.Location, ready = true });
            else
                output.WriteLine($"{opened.Location} is ready.");
            return ExitCode.Ok;
        });
        return command;
    }
}
