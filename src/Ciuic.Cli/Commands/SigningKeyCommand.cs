using System.CommandLine;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Cli;

/// <summary><c>ciuic signing-key NAME -o FILE</c>: a key with which a run's trainers sign.</summary>
internal static class SigningKeyCommand
{
    public static Command Create(CommandOutput output)
    {
        var name = new Argument<string>("NAME") { Description = "Whose key: no white space, no plus sign." };
        var file = new Option<string>("-o", "--output") { Description = "The new file, readable by you only.", Required = true };
        var json = CliSettings.Json();
        var command = new Command("signing-key", "Makes a key that trainers sign shards with (Ciuic:Save:KeyFile), and prints its verifier key.")
        {
            name, file, json,
        };
        command.SetAction(parsed =>
        {
            var path = parsed.GetValue(file)!;
            if (!TryCreate(path, parsed.GetValue(name)!))
                throw new ConflictException($"'{path}' exists; a key is never overwritten.");
            using var key = SigningKeyFile.Read(path);
            if (parsed.GetValue(json))
                output.WriteJson(new { file = path, verifier = key.Verifier.ToString() });
            else
                output.WriteLine(key.Verifier.ToString());
            return ExitCode.Ok;
        });
        return command;
    }

    private static bool TryCreate(string path, string name)
    {
        try
        {
            return !File.Exists(path) && SigningKeyFile.TryCreate(path, name, KeyAlgorithm.Ed25519);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"--output: {error.Message}", error);
        }
    }
}
