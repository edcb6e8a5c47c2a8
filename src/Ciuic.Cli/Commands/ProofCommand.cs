using System.CommandLine;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Cli;

/// <summary><c>ciuic proof RUN@REF -o FILE</c>: from the bucket alone.</summary>
internal static class ProofCommand
{
    public static Command Create(CommandOutput output)
    {
        var target = new Argument<string>("RUN@REF") { Description = "The snapshot; without @REF the latest." };
        var file = new Option<string?>("-o", "--output") { Description = "The proof file; default: RUN-SEQUENCE.tlog-proof." };
        var (bucket, json) = (new BucketArguments(), CliSettings.Json());
        var command = new Command(
            "proof", "Writes a C2SP tlog-proof that a snapshot is in the ledger; public keys alone check it.")
        {
            target, file, json,
        };
        bucket.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            var (run, reference) = CliSettings.ParseTarget(parsed.GetValue(target)!);
            var proofs = new SnapshotProofs(await bucket.OpenAsync(parsed, cancel), bucket.Trust(parsed), bucket.Accepted(parsed));
            var snapshot = await proofs.FindAsync(run, reference, cancel);
            var proof = await proofs.ProveAsync(snapshot, cancel);
            var path = parsed.GetValue(file) ?? $"{run}-{snapshot.Link.Sequence}.tlog-proof";
            await WriteAsync(path, proof.Encode(), cancel);
            if (parsed.GetValue(json))
                output.WriteJson(new { file = path, sequence = snapshot.Link.Sequence.Value, manifest = snapshot.Link.Manifest.ToString(), block = proof.Index });
            else
                output.WriteLine($"{path}: {run}#{snapshot.Link.Sequence} (step {snapshot.Step}) is in block {proof.Index}.");
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task WriteAsync(string path, byte[] proof, CancellationToken cancel)
    {
        try
        {
            await File.WriteAllBytesAsync(path, proof, cancel);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"--output: {error.Message}", error);
        }
    }
}
