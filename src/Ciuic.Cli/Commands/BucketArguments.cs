using System.CommandLine;
using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Storage.S3;

namespace Ciuic.Cli;

/// <summary>Options of commands that read the bucket itself: which one, and whom to believe.</summary>
/// <param name="allLedgers">Whether the command looks at every ledger where none is named.</param>
internal sealed class BucketArguments(bool allLedgers = false)
{
    private readonly Option<string?> _store = new("--store") { Description = "The bucket: file:PATH, s3://BUCKET/PREFIX or webhdfs://HOST:PORT/PATH; default: Ciuic:Store:Uri." };

    private readonly Option<string?> _ledger = new("--ledger")
    {
        Description = allLedgers ? "The ledger's name; default: every ledger in the bucket." : "The ledger's name; default: Ciuic:Client:Ledger.",
    };

    private readonly Option<string[]> _keys = new("--key")
    {
        Description = "A verifier key known from elsewhere, or a file that holds some.",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string?> _policy = new("--policy")
    {
        Description = "A tlog-policy file: the ledger's key and the witnesses that must have cosigned; default: Ciuic:Client:PolicyFile.",
    };

    private readonly Option<string[]> _set = CliSettings.Set();

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_store, _ledger, _keys, _policy, _set])
            command.Add(option);
    }

    /// <summary>Opens the bucket, which must exist.</summary>
    /// <exception cref="NotFoundException">It does not.</exception>
    public async Task<LedgerBucket> OpenAsync(ParseResult parsed, CancellationToken cancel) =>
        new(await OpenStoreAsync(parsed, cancel), LedgerName(parsed) ?? Client(parsed).Ledger);

    /// <summary>Opens the bucket, which must exist.</summary>
    /// <exception cref="NotFoundException">It does not.</exception>
    /// <exception cref="InvalidInputException">The settings name a gateway, and this command reads the bucket itself.</exception>
    public Task<IObjectStore> OpenStoreAsync(ParseResult parsed, CancellationToken cancel)
    {
        var configuration = Configuration(parsed);
        if (parsed.GetValue(_store) is null && configuration["Ciuic:Store:Uri"] == "gateway:")
            throw new InvalidInputException("This command reads the bucket itself, and Ciuic:Store:Uri is gateway: - name the bucket with --store.");
        return new StoreSchemes(new S3Scheme()).OpenExistingAsync(parsed.GetValue(_store), configuration, cancel);
    }

    /// <summary>The ledger that was asked for; null where none was.</summary>
    public string? LedgerName(ParseResult parsed) => parsed.GetValue(_ledger);

    /// <summary>Whom to believe.</summary>
    /// <exception cref="InvalidInputException">A key or the policy cannot be read.</exception>
    public TlogPolicy Trust(ParseResult parsed)
    {
        var file = parsed.GetValue(_policy) ?? Client(parsed).PolicyFile;
        var policy = file.Length == 0 ? TlogPolicy.Alone() : PolicyFiles.Read(file);
        var keys = parsed.GetValue(_keys)!.SelectMany(ReadKeys).ToList();
        return keys.Count == 0 ? policy : policy.For([.. policy.Logs, .. keys]);
    }

    /// <summary>What this machine remembers of ledgers.</summary>
    public AcceptedHeads Accepted(ParseResult parsed) => new(Client(parsed).StateDirectory);

    /// <summary>The ledger's newest tree head, compared with what this machine remembers, and remembered if the policy is met.</summary>
    /// <exception cref="CorruptException">The ledger was rolled back or forked since this machine last looked.</exception>
    public async Task<(LedgerKeys Keys, TreeHead Head)> AcceptAsync(
        ParseResult parsed, LedgerBucket ledger, TlogPolicy trust, CancellationToken cancel)
    {
        var keys = (await KeyNotes.ReadAsync(ledger, trust.Logs, cancel)).Newest;
        var accepted = Accepted(parsed);
        var head = await accepted.CheckAsync(ledger, keys, cancel);
        if (head is not null && head.IsCosignedAs(trust))
            await accepted.RememberAsync(ledger, keys.TreeHead, head, cancel);
        return (keys, head?.Head ?? new TreeHead(keys.Origin, 0, MerkleHash.Empty));
    }

    /// <summary>The connection to a silo that these settings lead to.</summary>
    public Task<SnapshotChain> ConnectAsync(ParseResult parsed, CancellationToken cancel) =>
        CliSettings.ConnectAsync(parsed.GetValue(_set)!, cancel);

    private ClientOptions Client(ParseResult parsed) =>
        StrictSettings.Read<ClientOptions>(Configuration(parsed), "Ciuic:Client");

    private Microsoft.Extensions.Configuration.IConfiguration Configuration(ParseResult parsed) =>
        SettingsFile.Read(parsed.GetValue(_set)!);

    private static IEnumerable<VerifierKey> ReadKeys(string text)
    {
        if (!File.Exists(text))
            return [VerifierKey.Parse(text)];
        return File.ReadAllLines(text).Where(line => line.Length > 0).Select(VerifierKey.Parse);
    }
}
