using System.CommandLine;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Cli;

/// <summary>
/// <c>ciuic rebuild --store URI</c>: fills a silo's empty database from the bucket. The bucket is checked here first, and
/// the silo must stand on the same one.
/// </summary>
internal static class RebuildCommand
{
    public static Command Create(CommandOutput output)
    {
        var (bucket, json) = (new BucketArguments(), CliSettings.Json());
        var command = new Command(
            "rebuild",
            "Brings runs, heads, tags, pins and history back from the bucket into the database of a running silo: runs that it does not "
            + "know, and those that it knows otherwise than the ledger. Attempts of before are fenced.")
        {
            json,
        };
        bucket.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            var ledger = await bucket.OpenAsync(parsed, cancel);
            var (keys, head) = await bucket.AcceptAsync(parsed, ledger, bucket.Trust(parsed), cancel);
            await using var chain = await bucket.ConnectAsync(parsed, cancel);
            await RequireSameAsync(chain, ledger, keys, head, cancel);
            var view = await chain.Ledger.RebuildAsync(head, new RebuildLines(output).Report, cancel);
            Write(output, view, parsed.GetValue(json));
            return view.Damaged.Length == 0 ? ExitCode.Ok : ExitCode.Integrity;
        });
        return command;
    }

    /// <summary>Every silo's ledger may have the same name; its keys and its blocks are its own.</summary>
    private static async Task RequireSameAsync(
        SnapshotChain chain, LedgerBucket ledger, LedgerKeys keys, TreeHead head, CancellationToken cancel)
    {
        if (await chain.DescribeBucketAsync(cancel) is { Bucket: { } stands } place
            && (await BucketIdentity.FindAsync(ledger.Store, cancel))?.Id.ToString() is var own && own != stands)
        {
            throw new InvalidInputException(
                $"The silo stands on {place.Store}, the bucket {stands}; {ledger.Store.Location} is {(own is null ? "no bucket that a silo has started on" : $"the bucket {own}")}"
                + ": give --store the silo's. Nothing was rebuilt.");
        }

        var silo = await chain.Ledger.DescribeAsync(cancel);
        if (silo.DamageCode == ExitCode.Unreachable)
            throw new UnavailableException($"The silo cannot read its ledger: {silo.Damage}");
        if (silo.Damage is { } damage)
            throw new CorruptException($"The silo's ledger cannot be used: {damage}");
        var same = silo.Origin == head.Origin && silo.Size >= head.Size
            && (silo.Size != head.Size || silo.Root == head.Root)
            && silo.TreeHeadKeys.Take(keys.TreeHead.Count).SequenceEqual(keys.TreeHead.Select(k => k.ToString()));
        if (!same)
        {
            throw new ConflictException(
                $"The silo's ledger {silo.Origin} has {silo.Size} blocks, the one in {ledger.Store.Location} is {head.Origin} with "
                + $"{head.Size}: the silo stands on another bucket (Ciuic:Store:Uri). Nothing was rebuilt.");
        }
    }

    private static void Write(CommandOutput output, RebuildView view, bool json)
    {
        if (json)
        {
            output.WriteJson(new { view.Blocks, view.Snapshots, view.Rebuilt, view.Mended, view.Kept, view.Damaged });
            return;
        }

        output.WriteLine($"{view.Blocks} blocks read; {Math.Max(view.RebuiltRuns, view.Rebuilt.Length)} runs with {view.Snapshots} snapshots are back.");
        if (view.Mended.Length > 0)
            output.WriteLine($"{view.MendedRuns} runs were in the database otherwise than in the ledger, which was taken: {Some(view.Mended)}");
        if (view.Kept.Length > 0)
            output.WriteLine($"{Math.Max(view.KeptRuns, view.Kept.Length)} runs were in the database already, as the ledger tells them: {Some(view.Kept)}");
        foreach (var damage in view.Damaged)
            output.WriteLine($"WRONG  {damage}");
        if (view.Damages > view.Damaged.Length)
            output.WriteLine($"WRONG  and {view.Damages - view.Damaged.Length} more; 'ciuic audit' lists them all.");
    }

    private static string Some(string[] runs) => string.Join(", ", runs.Take(10)) + (runs.Length > 10 ? ", ..." : "");
}
