using System.CommandLine;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Cli;

/// <summary>
/// <c>ciuic verify RUN@REF</c> reads the bucket; <c>ciuic verify --proof FILE --policy FILE</c> needs nothing but files.
/// </summary>
internal static class VerifyCommand
{
    public static Command Create(CommandOutput output)
    {
        var target = new Argument<string?>("RUN@REF")
        {
            Description = "The snapshot; without @REF the latest. Left out: only the proof is checked, offline.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var proof = new Option<string?>("--proof") { Description = "A proof file; default: one is made from the bucket." };
        var manifest = new Option<string?>("--manifest") { Description = "A root manifest's file that the proof must be for." };
        var (bucket, json) = (new BucketArguments(), CliSettings.Json());
        var command = new Command("verify", "Ties tensor bytes to the ledger's quorum and shows each link.")
        {
            target, proof, manifest, json,
        };
        bucket.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            var links = new LinkLines(output, parsed.GetValue(json));
            var given = ReadProof(parsed.GetValue(proof));
            if (parsed.GetValue(target) is not null && parsed.GetValue(manifest) is not null)
                throw new InvalidInputException("--manifest goes with --proof alone: RUN@REF reads the manifest of the bucket.");
            if (parsed.GetValue(target) is { } text)
                await VerifyAsync(text, given, bucket, parsed, links, cancel);
            else
                VerifyOffline(given, parsed.GetValue(manifest), bucket.Trust(parsed), links);
            links.End();
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task VerifyAsync(
        string target, TlogProof? proof, BucketArguments bucket, ParseResult parsed, LinkLines links, CancellationToken cancel)
    {
        var (run, reference) = CliSettings.ParseTarget(target);
        var proofs = new SnapshotProofs(await bucket.OpenAsync(parsed, cancel), bucket.Trust(parsed), bucket.Accepted(parsed));
        var snapshot = await proofs.FindAsync(run, reference, cancel);
        await proofs.VerifyAsync(run, snapshot, proof, Environment.ProcessorCount, links.Add, cancel);
    }

    private static void VerifyOffline(TlogProof? proof, string? manifest, TlogPolicy trust, LinkLines links)
    {
        if (proof is null)
            throw new InvalidInputException("Give RUN@REF, or --proof with --policy or --key.");
        if (trust.Logs.Count == 0)
            throw new InvalidInputException("A proof is checked with the ledger's public key: give --policy or --key.");
        ManifestDigest? digest = null;
        if (manifest is not null)
        {
            var bytes = ReadFile(manifest, "--manifest");
            var read = ManifestCodec.DecodeManifest(bytes);
            digest = ManifestDigest.Of(bytes);
            links.Add(new VerifiedLink("bytes -> manifest", $"{manifest}: {read.Id}, step {read.Step}"));
        }

        var proven = SnapshotProofs.CheckProof(proof, trust, digest, links.Add);
        foreach (var (_, record) in proven.Block.Facts())
            links.Show($"{record.Kind} {record.Run}#{record.Sequence} {record.Manifest}");
    }

    private static TlogProof? ReadProof(string? path) => path is null ? null : TlogProof.Parse(ReadFile(path, "--proof"));

    private static byte[] ReadFile(string path, string option)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{option}: {error.Message}", error);
        }
    }
}
