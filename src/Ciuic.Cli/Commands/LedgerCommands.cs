using System.CommandLine;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Cli;

/// <summary><c>ciuic ledger status</c>, <c>rotate</c>, <c>consistency</c>.</summary>
internal static class LedgerCommands
{
    public static Command Create(CommandOutput output) => new("ledger", "Looks at the ledger, rotates its keys, proves that it only grew.")
    {
        Status(output),
        Rotate(output),
        Consistency(output),
    };

    private static Command Status(CommandOutput output)
    {
        var (json, set) = (CliSettings.Json(), CliSettings.Set());
        var command = new Command("status", "Size, what is final, keys, how far each witness is.") { json, set };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var chain = await CliSettings.ConnectAsync(parsed.GetValue(set)!, cancel);
            var ledger = await chain.Ledger.DescribeAsync(cancel);
            Write(output, ledger, parsed.GetValue(json));
            return ledger.DamageCode;
        });
        return command;
    }

    private static Command Rotate(CommandOutput output)
    {
        var role = new Option<string>("--role") { Description = "Which key: blocks or tree-head.", Required = true };
        var reason = new Option<string?>("--reason") { Description = "Why; it stays in the ledger." };
        var prepare = new Option<bool>("--prepare")
        {
            Description = "Only make the next key and print its verifier key, so that witnesses can be told before.",
        };
        var (json, set) = (CliSettings.Json(), CliSettings.Set());
        var command = new Command(
            "rotate", "Puts a new key in force, by a record that the old and the new one sign; what the old one signed stays valid.")
        {
            role, reason, prepare, json, set,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var which = KeyRoles.Parse(parsed.GetValue(role)!);
            await using var chain = await CliSettings.ConnectAsync(parsed.GetValue(set)!, cancel);
            if (parsed.GetValue(prepare))
            {
                var next = (await chain.Ledger.PrepareKeyAsync(which, cancel)).ToString();
                if (parsed.GetValue(json))
                    output.WriteJson(new { role = which.Name(), next });
                else
                    output.WriteLine(next);
                return ExitCode.Ok;
            }

            var why = parsed.GetValue(reason) ?? throw new InvalidInputException("--reason is needed: it stays in the ledger.");
            Write(output, await chain.Ledger.RotateAsync(which, CliSettings.Actor, why, cancel), parsed.GetValue(json));
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Consistency(CommandOutput output)
    {
        var older = new Argument<long>("OLD") { Description = "The smaller size, in blocks." };
        var newer = new Argument<long>("NEW") { Description = "The larger size, at most the published one." };
        var (bucket, json) = (new BucketArguments(), CliSettings.Json());
        var command = new Command("consistency", "The RFC 6962 proof that the tree of one size begins with that of another.")
        {
            older, newer, json,
        };
        bucket.AddTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            var (from, to) = (parsed.GetValue(older), parsed.GetValue(newer));
            var (ledger, trust) = (await bucket.OpenAsync(parsed, cancel), bucket.Trust(parsed));
            await bucket.AcceptAsync(parsed, ledger, trust, cancel);
            var (first, second, path) = await ConsistencyProof.MakeAsync(ledger, trust.Logs, from, to, cancel);
            if (parsed.GetValue(json))
            {
                output.WriteJson(new
                {
                    old = new { size = first.Size, root = StrictBase64.Encode(first.Root.Span) },
                    @new = new { size = second.Size, root = StrictBase64.Encode(second.Root.Span) },
                    proof = path.Select(h => StrictBase64.Encode(h.Span)),
                });
            }
            else
            {
                output.WriteLine($"The tree of {second.Size} blocks begins with that of {first.Size}: {path.Count} hashes");
                path.ForEach(hash => output.WriteLine(StrictBase64.Encode(hash.Span)));
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static void Write(CommandOutput output, LedgerView ledger, bool json)
    {
        if (json)
            output.WriteJson(Json(ledger));
        else
            output.WriteTable(["field", "value"], Rows(ledger));
    }

    private static object Json(LedgerView ledger) => new
    {
        ledger.Name,
        ledger.Origin,
        ledger.Size,
        root = ledger.Root.ToString(),
        ledger.PublishedSize,
        ledger.TreeHeadKeys,
        ledger.BlockKeys,
        ledger.Quorum,
        ledger.Witnesses,
        ledger.PublishProblem,
        ledger.WholeAt,
        ledger.Mended,
        ledger.Damage,
    };

    private static IEnumerable<string[]> Rows(LedgerView ledger)
    {
        yield return ["ledger", $"{ledger.Name} ({ledger.Origin})"];
        yield return ["blocks", $"{ledger.Size}, root {ledger.Root}"];
        yield return ["final", $"{ledger.PublishedSize} (quorum: {ledger.Quorum})"];
        yield return ["tree head key", ledger.TreeHeadKeys[^1]];
        yield return ["block key", ledger.BlockKeys[^1]];
        yield return ["keys before", $"{ledger.TreeHeadKeys.Length - 1} of tree heads, {ledger.BlockKeys.Length - 1} of blocks"];
        foreach (var witness in ledger.Witnesses)
            yield return [$"witness {witness.Name}", Lag(ledger, witness)];
        if (ledger.PublishProblem is { } problem)
            yield return ["not final because", problem];
        if (ledger.WholeAt is { } wholeAt)
            yield return ["all objects read", string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{wholeAt:u}")];
        foreach (var mended in ledger.Mended)
            yield return ["was damaged, is mended", mended];
        if (ledger.Damage is { } damage)
            yield return ["NOTHING IS APPENDED", damage];
    }

    private static string Lag(LedgerView ledger, WitnessView witness)
    {
        var state = witness.Excluded ? "excluded: " : "";
        var problem = witness.Problem is null ? "" : $"; {state}{witness.Problem}";
        return $"{witness.Size} blocks, {Math.Max(0, ledger.Size - witness.Size)} behind{problem}";
    }
}
