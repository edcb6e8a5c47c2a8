using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// Remembers the newest tree head that this machine has accepted of each ledger, and refuses one that does not
/// continue it: a bucket that was rolled back, or a history that was forked, is noticed even if every signature in it
/// is right. The first head seen of a ledger is taken on trust. See FORMAT.md.
/// </summary>
/// <param name="directory">Where the state files are; made when needed.</param>
public sealed class AcceptedHeads(string directory)
{
    private const string Header = "ciuic.dev/accepted-head/v1";

    /// <summary>Compares the ledger's newest tree head with the remembered one, and remembers it.</summary>
    /// <returns>The newest tree head; null where the ledger has none yet and none is remembered.</returns>
    /// <exception cref="CorruptException">The two disagree; the message names both, and the state file.</exception>
    public async Task<SignedTreeHead?> AcceptAsync(LedgerBucket bucket, LedgerKeys keys, CancellationToken cancel)
    {
        var path = PathOf(bucket);
        var accepted = await RecallAsync(bucket, cancel);
        var head = await PublishedHeads.NewestAsync(bucket, keys, cancel);
        if (accepted is not null)
            head = await RequireContinuationAsync(bucket, keys, accepted, head, path, cancel);
        if (head is not null && head.Head != accepted?.Head)
            await RememberAsync(bucket, head, cancel);
        return head;
    }

    /// <summary>The newest tree head accepted of a ledger, or null.</summary>
    /// <exception cref="InvalidInputException">The state file is damaged.</exception>
    public Task<SignedTreeHead?> RecallAsync(LedgerBucket bucket, CancellationToken cancel) => ReadAsync(PathOf(bucket), cancel);

    /// <summary>Remembers a tree head that is known to continue the one before; durable when this returns.</summary>
    public Task RememberAsync(LedgerBucket bucket, SignedTreeHead head, CancellationToken cancel) =>
        WriteAsync(PathOf(bucket), bucket, head, cancel);

    /// <summary>The error for a ledger that was here before and is no more.</summary>
    public CorruptException Gone(LedgerBucket bucket, SignedTreeHead head) =>
        Disagree("the ledger is gone", head, null, PathOf(bucket));

    /// <summary>The state file of a ledger.</summary>
    public string PathOf(LedgerBucket bucket)
    {
        var name = Digest.Of(StrictUtf8.Encode($"{bucket.Store.Location}\n{bucket.Name}")).ToString()[..16];
        return Path.Combine(Path.GetFullPath(directory), $"{bucket.Name}-{name}.accepted-head");
    }

    private static async Task<SignedTreeHead> RequireContinuationAsync(
        LedgerBucket bucket, LedgerKeys keys, SignedTreeHead accepted, SignedTreeHead? head, string path, CancellationToken cancel)
    {
        if (!keys.TreeHead.Contains(accepted.Signer))
            throw Disagree($"that one is signed by {accepted.Signer}, which is no key of this ledger", accepted, head, path);
        // A writer that woke up late may have put an older checkpoint back; the kept one of the accepted size tells.
        if (head is null || head.Head.Size < accepted.Head.Size)
        {
            var kept = PublishedHeads.TryOpen(await bucket.GetCheckpointAsync(accepted.Head.Size, cancel), keys);
            if (kept?.Head != accepted.Head)
                throw Disagree("the ledger was rolled back", accepted, head, path);
            head = kept;
        }

        return await new TreeProver(bucket).ContinuesAsync(accepted.Head, head.Head, cancel)
            ? head
            : throw Disagree("its tree does not begin with the accepted one: history was rewritten", accepted, head, path);
    }

    private static CorruptException Disagree(string how, SignedTreeHead accepted, SignedTreeHead? head, string path) => new(
        $"The ledger '{accepted.Head.Origin}' shows {Describe(head)}, but this machine has accepted {Describe(accepted)}: {how}. "
        + $"If the ledger was replaced on purpose, delete '{path}'.");

    private static string Describe(SignedTreeHead? head) => head is null
        ? "no tree head"
        : $"the tree head of size {head.Head.Size}, root {head.Head.Root.ToShortString()}, key {head.Signer.Id:x8}";

    private static async Task<SignedTreeHead?> ReadAsync(string path, CancellationToken cancel)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            var text = await File.ReadAllTextAsync(path, cancel);
            var end = text.IndexOf("\n\n", StringComparison.Ordinal);
            var lines = text[..Math.Max(end, 0)].Split('\n');
            if (lines.Length != 3 || lines[0] != Header)
                throw new InvalidInputException($"it does not begin with {Header} and two more lines");
            var key = VerifierKey.Parse(lines[2]);
            return SignedTreeHead.Open(StrictUtf8.Encode(text[(end + 2)..]), key.Name, [key]);
        }
        catch (Exception error) when (error is InvalidInputException or CorruptException)
        {
            throw new InvalidInputException(
                $"The state file '{path}' cannot be read: {error.Message} Without it a rollback of the ledger would go unnoticed; "
                + "delete it only if you know why it is damaged.",
                error);
        }
    }

    /// <summary>Flushing blocks its thread; a caller with a scheduler of its own (a grain) must not be held up by it.</summary>
    private static Task WriteAsync(string path, LedgerBucket bucket, SignedTreeHead head, CancellationToken cancel) => Task.Run(
        () =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var text = $"{Header}\n{bucket.Store.Location} {bucket.Name}\n{head.Signer}\n\n";
            var temporary = $"{path}.{Path.GetRandomFileName()}";
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (var file = new FileStream(temporary, options))
            {
                file.Write([.. StrictUtf8.Encode(text), .. head.Bytes]);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        },
        cancel);
}
