using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// Remembers the newest tree head that has been accepted of each ledger, and refuses one that does not continue it: a bucket that was
/// rolled back, or a history that was forked, is noticed even if every signature in it is right. A ledger is told by its first key,
/// its bucket's identity, or its place, whichever fits: neither another spelling of a path nor a copy elsewhere is a first meeting. The
/// first head seen of a ledger is taken on trust. See FORMAT.md.
/// </summary>
public sealed class AcceptedHeads
{
    private readonly IReadOnlyList<IHeadMemory> _memories;

    /// <summary>Remembers in a folder of this machine.</summary>
    /// <param name="directory">The folder; made when needed.</param>
    public AcceptedHeads(string directory)
        : this(new HeadFiles(directory))
    {
    }

    /// <summary>Remembers in all of these, and believes each of them.</summary>
    public AcceptedHeads(params IHeadMemory[] memories) => _memories = memories;

    /// <summary>Compares the ledger's newest tree head with the remembered one, and remembers it.</summary>
    /// <returns>The newest tree head; null where the ledger has none yet and none is remembered.</returns>
    /// <exception cref="CorruptException">The two disagree; the message names both, and where the older one is kept.</exception>
    /// <exception cref="UnavailableException">It cannot be remembered.</exception>
    public async Task<SignedTreeHead?> AcceptAsync(LedgerBucket bucket, LedgerKeys keys, CancellationToken cancel)
    {
        var head = await CheckAsync(bucket, keys, cancel);
        if (head is not null)
            await RememberAsync(bucket, keys.TreeHead, head, cancel);
        return head;
    }

    /// <summary>Compares the ledger's newest tree head with the remembered one.</summary>
    /// <returns>
    /// The newest tree head known of the ledger, be it the remembered one: what is read must go as far. Null where the
    /// ledger has none yet and none is remembered.
    /// </returns>
    /// <exception cref="CorruptException">The two disagree; the message names both, and where the older one is kept.</exception>
    public async Task<SignedTreeHead?> CheckAsync(LedgerBucket bucket, LedgerKeys keys, CancellationToken cancel)
    {
        var remembered = await FindAsync(bucket, keys.TreeHead, cancel);
        // The note that tells of the newest key may be missing: the blocks tell, too.
        if (remembered.Any(r => !keys.TreeHead.Contains(r.Head.Head.Signer)))
            keys = await LedgerReader.KeysAsync(bucket, keys, cancel);
        var head = await PublishedHeads.NewestAsync(bucket, keys, cancel);
        foreach (var (accepted, place) in remembered)
            head = await RequireContinuationAsync(bucket, keys, accepted, place, head, cancel);
        return head;
    }

    /// <summary>The newest tree head accepted of a ledger, or of another one that was at its place; null where there is none.</summary>
    /// <param name="bucket">The ledger.</param>
    /// <param name="keys">Its tree head keys, as far as they are known; none: it is told by its bucket.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="InvalidInputException">What is kept is damaged.</exception>
    public async Task<RememberedHead?> RecallAsync(LedgerBucket bucket, IReadOnlyList<VerifierKey> keys, CancellationToken cancel) =>
        (await FindAsync(bucket, keys, cancel)).Select(r => r.Head).FirstOrDefault();

    /// <summary>
    /// Remembers a tree head that is known to continue the one before; durable when this returns. A larger one that another
    /// process has remembered meanwhile stays.
    /// </summary>
    /// <param name="bucket">The ledger.</param>
    /// <param name="keys">Its tree head keys, oldest first.</param>
    /// <param name="head">The tree head.</param>
    /// <param name="cancel">Ends the writing.</param>
    /// <exception cref="UnavailableException">It cannot be remembered everywhere.</exception>
    public async Task RememberAsync(
        LedgerBucket bucket, IReadOnlyList<VerifierKey> keys, SignedTreeHead head, CancellationToken cancel)
    {
        var remembered = new RememberedHead(bucket.Store.Location, bucket.Name, await IdentityAsync(bucket, cancel), keys[0], head);
        foreach (var memory in _memories)
        {
            while (!await TryRememberAsync(memory, bucket, keys, remembered, cancel))
            {
                // Another process was faster: what it wrote may be larger.
            }
        }
    }

    /// <summary>The error for a ledger that was here before and is no more.</summary>
    public CorruptException Gone(RememberedHead head) =>
        Disagree("the ledger is gone", head, null, PlaceOf(head));

    /// <summary>Where the head of a ledger is kept, for messages.</summary>
    public string PlaceOf(LedgerBucket bucket, VerifierKey first) => PlaceOf(RememberedHead.NameOf(bucket.Name, first));

    private string PlaceOf(RememberedHead head) => PlaceOf(head.Name);

    private string PlaceOf(string name) => string.Join(" and ", _memories.Select(m => m.PlaceOf(name)));

    private static async Task<bool> TryRememberAsync(
        IHeadMemory memory, LedgerBucket bucket, IReadOnlyList<VerifierKey> keys, RememberedHead remembered, CancellationToken cancel)
    {
        var all = await memory.ReadAllAsync(cancel);
        var known = Parse(memory, all, bucket, keys).Where(k => k.Head.IsOf(keys)).ToList();
        if (known.Any(k => k.Head.Head.Head.Size >= remembered.Head.Head.Size && k.Name == remembered.Name))
            return true;
        if (!await memory.TryWriteAsync(remembered.Name, all.GetValueOrDefault(remembered.Name), remembered.Encode(), cancel))
            return false;
        // Dying before: two are kept, and the larger counts. Those of older releases are told by a place that may be spelt in many ways.
        foreach (var (_, name) in known.Where(k => k.Name != remembered.Name && k.Head.Head.Head.Size <= remembered.Head.Head.Size))
            await memory.ForgetAsync(name, cancel);
        return true;
    }

    /// <summary>
    /// What is remembered of a ledger: of each family of keys the largest head. That of another ledger which was at its place comes first:
    /// it is to be explained before anything is believed.
    /// </summary>
    private async Task<List<(RememberedHead Head, string Place)>> FindAsync(
        LedgerBucket bucket, IReadOnlyList<VerifierKey> keys, CancellationToken cancel)
    {
        var id = await IdentityAsync(bucket, cancel);
        var found = new List<(RememberedHead Head, string Place)>();
        foreach (var memory in _memories)
        {
            found.AddRange(Parse(memory, await memory.ReadAllAsync(cancel), bucket, keys)
                .Where(k => k.Head.IsOf(bucket, id, keys))
                .Select(k => (k.Head, memory.PlaceOf(k.Name))));
        }

        return found.GroupBy(f => f.Head.IsOf(keys) ? null : f.Head.First)
            .Select(family => family.MaxBy(f => f.Head.Head.Head.Size))
            .OrderBy(f => f.Head.IsOf(keys))
            .ToList();
    }

    /// <summary>A damaged one is an error where its name says that it is of this ledger; others' are none of ours.</summary>
    private static IEnumerable<(RememberedHead Head, string Name)> Parse(
        IHeadMemory memory, IReadOnlyDictionary<string, string> all, LedgerBucket bucket, IReadOnlyList<VerifierKey> keys)
    {
        var names = keys.Select(k => RememberedHead.NameOf(bucket.Name, k)).Append(RememberedHead.OldNameOf(bucket)).ToHashSet(StringComparer.Ordinal);
        foreach (var (name, text) in all)
        {
            RememberedHead? head = null;
            try
            {
                head = RememberedHead.Parse(text);
            }
            catch (Exception error) when (error is InvalidInputException or CorruptException)
            {
                if (names.Contains(name))
                {
                    throw new InvalidInputException(
                        $"The state file '{memory.PlaceOf(name)}' cannot be read: {error.Message} Without it a rollback of the ledger would go "
                        + "unnoticed; delete it only if you know why it is damaged.",
                        error);
                }
            }

            if (head is not null)
                yield return (head, name);
        }
    }

    /// <summary>The bucket's identity, where it says it: a ledger is told by its keys and its place, too.</summary>
    private static async Task<BucketId?> IdentityAsync(LedgerBucket bucket, CancellationToken cancel)
    {
        try
        {
            return (await BucketIdentity.FindAsync(bucket.Store, cancel))?.Id;
        }
        catch (CorruptException)
        {
            return null;
        }
    }

    private static async Task<SignedTreeHead> RequireContinuationAsync(
        LedgerBucket bucket, LedgerKeys keys, RememberedHead remembered, string place, SignedTreeHead? head, CancellationToken cancel)
    {
        var accepted = remembered.Head;
        if (!keys.TreeHead.Contains(accepted.Signer))
            throw Disagree($"that one is signed by {accepted.Signer}, which is no key of this ledger", remembered, head, place);
        // A writer that woke up late may have put an older checkpoint back; those that are kept tell.
        if (head is null || head.Head.Size < accepted.Head.Size)
        {
            head = await PublishedHeads.NewestKeptAsync(bucket, keys, accepted.Head.Size, cancel)
                ?? throw Disagree($"the ledger was rolled back{ElsewhereThan(bucket, remembered)}", remembered, head, place);
        }

        return await ContinuesAsync(bucket, keys, accepted.Head, head.Head, cancel)
            ? head
            : throw Disagree(
                $"its tree does not begin with the accepted one: history was rewritten{ElsewhereThan(bucket, remembered)}", remembered, head, place);
    }

    private static string ElsewhereThan(LedgerBucket bucket, RememberedHead remembered) => remembered.Location == bucket.Store.Location
        ? ""
        : $", or {bucket.Store.Location} is an older copy of {remembered.Location}, where it was accepted";

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

    private static CorruptException Disagree(string how, RememberedHead accepted, SignedTreeHead? head, string place) => new(
        $"The ledger '{accepted.Head.Head.Origin}' shows {Describe(head)}, but this machine has accepted {Describe(accepted.Head)}: {how}. "
        + $"If the ledger was replaced on purpose, delete '{place}'.");

    private static string Describe(SignedTreeHead? head) => head is null
        ? "no tree head"
        : $"the tree head of size {head.Head.Size}, root {head.Head.Root.ToShortString()}, key {head.Signer.Id:x8}";
}
