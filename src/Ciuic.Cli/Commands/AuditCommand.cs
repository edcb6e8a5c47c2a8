using System.CommandLine;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Cli;

/// <summary><c>ciuic audit --store URI --key VKEY</c>: from the bucket alone; no silo, no database.</summary>
internal static class AuditCommand
{
    public static Command Create(CommandOutput output)
    {
        var store = new Option<string>("--store") { Description = "The bucket: file:PATH.", Required = true };
        var keys = new Option<string[]>("--key")
        {
            Description = "A verifier key known from elsewhere, or a file that holds some; without it only consistency is proven.",
            DefaultValueFactory = _ => [],
        };
        var ledger = new Option<string?>("--ledger") { Description = "The ledger's name; default: all in the bucket." };
        var json = CliSettings.Json();
        var command = new Command("audit", "Checks a whole bucket offline: every signature, every block, every byte.")
        {
            store, keys, ledger, json,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var trusted = parsed.GetValue(keys)!.SelectMany(ReadKeys).ToList();
            var bucket = OpenExisting(parsed.GetValue(store)!);
            var reports = await AuditAsync(bucket, parsed.GetValue(ledger), trusted, output, cancel);
            if (parsed.GetValue(json))
                output.WriteJson(reports.Select(AuditView.Json));
            else
                reports.ForEach(report => AuditView.Write(output, report));
            return reports.All(r => r.Passed) ? ExitCode.Ok : ExitCode.Integrity;
        });
        return command;
    }

    private static async Task<List<AuditReport>> AuditAsync(
        IObjectStore bucket,
        string? ledger,
        IReadOnlyList<VerifierKey> trusted,
        CommandOutput output,
        CancellationToken cancel)
    {
        var names = ledger is null ? await BucketAudit.FindLedgersAsync(bucket, cancel) : [ledger];
        if (names.Count == 0)
            throw new NotFoundException($"There is no ledger in {bucket.Location}.");
        var reports = new List<AuditReport>();
        foreach (var name in names)
        {
            var progress = new AuditProgressLines(output, name);
            reports.Add(await BucketAudit.RunAsync(
                bucket, name, trusted, Environment.ProcessorCount, progress.Report, cancel));
            progress.End();
        }

        return reports;
    }

    private static IEnumerable<VerifierKey> ReadKeys(string text)
    {
        if (!File.Exists(text))
            return [VerifierKey.Parse(text)];
        return File.ReadAllLines(text).Where(line => line.Length > 0).Select(VerifierKey.Parse);
    }

    /// <summary>An audit must not create the folder it was to check.</summary>
    private static IObjectStore OpenExisting(string uri)
    {
        var path = uri.StartsWith("file:", StringComparison.Ordinal) ? uri["file:".Length..] : null;
        if (path is not null && !Directory.Exists(path))
            throw new NotFoundException($"There is no bucket at {uri}.");
        return StoreUri.Open(uri);
    }
}
