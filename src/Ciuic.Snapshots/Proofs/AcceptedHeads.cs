using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Remembers the newest tree head that this machine has accepted of each ledger, and refuses one that does not
/// continue it: a bucket that was rolled back, or a history that was forked, is noticed even if every signature in it
/// is right. The first head seen of a ledger is taken on trust. See FORMAT.md.
/// </summary>
/// <param name="directory">Where the state files are; made when needed.</param>
public sealed class AcceptedHeads(string directory)
{
    /// <summary>Compares the ledger's newest tree head with the remembered one, and remembers it.</summary>
    /// <returns>The newest tree head; null where the ledger has none yet and none is remembered.</returns>
    /// <exception cref="CorruptException">The two disagree; the message names both, and the state file.</exception>
    /// <exception cref="UnavailableException">The state file cannot be written.</exception>
    public async Task<SignedTreeHead?> AcceptAsync(LedgerBucket bucket, LedgerKeys keys, CancellationToken cancel)
    {
        var head = await CheckAsync(bucket, keys, cancel);
        if (head is not null)
            await RememberAsync(bucket, head, cancel);
        return head;
    }

    /// <summary>Compares the ledger's newest tree head with the remembered one.</summary>
    /// <returns>
    /// The newest tree head known of the ledger, be it the remembered one: what is read must go as far. Null where the
    /// ledger has none yet and none is remembered.
    /// </returns>
    /// <exception cref="CorruptException">The two disagree; the message names both, and the state file.</exception>
    public async Task<SignedTreeHead?> CheckAsync(LedgerBucket bucket, LedgerKeys keys, CancellationToken cancel)
    {
        var accepted = await RecallAsync(bucket, cancel);
        // The note that tells of the newest key may be missing: the blocks tell, too.
        if (accepted is not null && !keys.TreeHead.Contains(accepted.Signer))
            keys = await LedgerReader.KeysAsync(bucket, keys, cancel);
        var head = await PublishedHeads.NewestAsync(bucket, keys, cancel);
        return accepted is null ? head : await RequireContinuationAsync(bucket, keys, accepted, head, cancel);
    }

    /// <summary>The newest tree head accepted of a ledger, or null.</summary>
    /// <exception cref="InvalidInputException">The state file is damaged.</exception>
    public async Task<SignedTreeHead?> RecallAsync(LedgerBucket bucket, CancellationToken cancel) =>
        (await AcceptedHeadFile.ReadAsync(PathOf(bucket), cancel))?.Head;

    /// <summary>
    /// Remembers a tree head that is known to continue the one before; durable when this returns. A larger one that another
    /// process has remembered meanwhile stays.
    /// </summary>
    /// <exception cref="UnavailableException">The state file cannot be written.</exception>
    public async Task RememberAsync(LedgerBucket bucket, SignedTreeHead head, CancellationToken cancel)
    {
        if ((await RecallAsync(bucket, cancel))?.Head is { } known && known.Size >= head.Head.Size)
            return;
        await new AcceptedHeadFile(bucket.Store.Location, bucket.Name, head).WriteAsync(PathOf(bucket), cancel);
    }

    /// <summary>The error for a ledger that was here before and is no more.</summary>
    public CorruptException Gone(LedgerBucket bucket, SignedTreeHead head) =>
        Disagree("the ledger is gone", head, null, PathOf(bucket));

    /// <summary>The state file of a ledger.</summary>
    public string PathOf(LedgerBucket bucket)
    {
        var name = Digest.Of(StrictUtf8.Encode($"{bucket.Store.Location}\n{bucket.Name}")).ToString()[..16];
        return Path.Combine(Path.GetFullPath(directory), $"{bucket.Name}-{name}.accepted-head");
    }

    private async Task<SignedTreeHead> RequireContinuationAsync(
        LedgerBucket bucket, LedgerKeys keys, SignedTreeHead accepted, SignedTreeHead? head, CancellationToken cancel)
    {
        var path = PathOf(bucket);
        if (!keys.TreeHead.Contains(accepted.Signer))
            throw Disagree($"that one is signed by {accepted.Signer}, which is no key of this ledger", accepted, head, path);
        // A writer that woke up late may have put an older checkpoint back; those that are kept tell.
        if (head is null || head.Head.Size < accepted.Head.Size)
        {
            head = await PublishedHeads.NewestKeptAsync(bucket, keys, accepted.Head.Size, cancel)
                ?? throw Disagree("the ledger was rolled back", accepted, head, path);
        }

        return await ContinuesAsync(bucket, keys, accepted.Head, head.Head, cancel)
            ? head
            : throw Disagree("its tree does not begin with the accepted one: history was rewritten", accepted, head, path);
    }

    /// <summary>
    /// Whether a ledger's newer tree begins with an older one. Tiles are only derived: where they show nothing, or something
    /// else, the signed blocks are asked.
    /// </summary>
    internal static async Task<bool> ContinuesAsync(
        LedgerBucket bucket, LedgerKeys keys, TreeHead accepted, TreeHead head, CancellationToken cancel)
    {
        if (accepted == head)
            return true;
        try
        {
            if (await new TreeProver(bucket).ContinuesAsync(accepted, head, cancel))
                return true;
        }
        catch (CorruptException)
        {
            // A tile is missing.
        }

        return await BlocksGiveAsync(bucket, LedgerTip.Start(keys), [accepted, head], cancel);
    }

    private static async Task<bool> BlocksGiveAsync(
        LedgerBucket bucket, LedgerTip tip, TreeHead[] heads, CancellationToken cancel)
    {
        var given = heads.Count(h => h == tip.Head);
        await foreach (var linked in bucket.FollowAsync(tip, heads.Max(h => h.Size), cancel))
        {
            given += heads.Count(h => h == linked.After.Head);
            if (given == heads.Length)
                return true;
        }

        return given == heads.Length;
    }

    private static CorruptException Disagree(string how, SignedTreeHead accepted, SignedTreeHead? head, string path) => new(
        $"The ledger '{accepted.Head.Origin}' shows {Describe(head)}, but this machine has accepted {Describe(accepted)}: {how}. "
        + $"If the ledger was replaced on purpose, delete '{path}'.");

    private static string Describe(SignedTreeHead? head) => head is null
        ? "no tree head"
        : $"the tree head of size {head.Head.Size}, root {head.Head.Root.ToShortString()}, key {head.Signer.Id:x8}";
}
