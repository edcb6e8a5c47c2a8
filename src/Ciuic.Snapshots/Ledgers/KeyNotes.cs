using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// The notes of public keys beside a ledger: one from its beginning and one per block that rotated keys. Each is signed
/// by the tree head key in force then, and by the one before it where that changed, so that whoever trusts any of these
/// keys can walk to all others.
/// </summary>
public sealed class KeyNotes
{
    /// <summary>Stands for the note a ledger begins with.</summary>
    private const long Beginning = -1;

    private readonly SortedDictionary<long, LedgerKeys> _byHeight;

    private KeyNotes(SortedDictionary<long, LedgerKeys> byHeight) => _byHeight = byHeight;

    /// <summary>All keys so far; what the ledger's blocks say counts, this is where to begin.</summary>
    public LedgerKeys Newest => _byHeight.Values.Last();

    /// <summary>The keys in force for the block at this height.</summary>
    public LedgerKeys At(long height) =>
        _byHeight.Where(n => n.Key < height).Select(n => n.Value).LastOrDefault() ?? Newest.Initial;

    /// <summary>Reads the notes of a ledger.</summary>
    /// <param name="bucket">The ledger.</param>
    /// <param name="trusted">Tree head keys known from elsewhere; empty: believe the oldest note.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="NotFoundException">There are none.</exception>
    /// <exception cref="CorruptException">No trusted key leads to them, or they contradict each other.</exception>
    public static async Task<KeyNotes> ReadAsync(
        LedgerBucket bucket, IReadOnlyList<VerifierKey> trusted, CancellationToken cancel)
    {
        var notes = await FetchAsync(bucket, cancel);
        if (notes.Count == 0)
        {
            throw new NotFoundException(
                $"There is no ledger '{bucket.Name}' in {bucket.Store.Location}: no note of its keys was found.");
        }

        if (trusted.Count == 0)
            trusted = LedgerKeys.OpenUntrusted(notes.Values.First()).TreeHead;
        return new KeyNotes(Open(bucket, notes, trusted));
    }

    /// <summary>Whether a ledger has been begun.</summary>
    public static async Task<bool> ExistAsync(LedgerBucket bucket, CancellationToken cancel) =>
        await bucket.GetKeysAsync(cancel) is not null;

    /// <summary>The keys a person trusts, given in full: both roles, so that no note is needed.</summary>
    public static KeyNotes Of(LedgerKeys keys) => new(new SortedDictionary<long, LedgerKeys> { [Beginning] = keys });

    /// <summary>Stores the note of a new ledger; an existing one is left as it is.</summary>
    public static Task<CreateResult> CreateAsync(LedgerBucket bucket, LedgerSigner signer, CancellationToken cancel)
    {
        var keys = signer.InitialKeys;
        return bucket.Store.CreateAsync(
            BucketLayout.Keys(bucket.Name), keys.Sign(signer.Find(keys.ActiveTreeHead)), cancel);
    }

    /// <summary>The note after a rotation.</summary>
    public static byte[] Sign(LedgerKeys keys, LedgerSigner signer)
    {
        var before = keys.TreeHead.Count > 1 ? signer.TryFind(keys.TreeHead[^2]) : null;
        var active = signer.Find(keys.ActiveTreeHead);
        return before is null ? keys.Sign(active) : keys.Sign(before, active);
    }

    private static async Task<SortedDictionary<long, byte[]>> FetchAsync(LedgerBucket bucket, CancellationToken cancel)
    {
        var notes = new SortedDictionary<long, byte[]>();
        if (await bucket.GetKeysAsync(cancel) is { } first)
            notes[Beginning] = first;
        foreach (var height in await bucket.ListRotationsAsync(cancel))
        {
            if (await bucket.Store.GetAsync(BucketLayout.KeysAfter(bucket.Name, height), cancel) is { } note)
                notes[height] = note;
        }

        return notes;
    }

    /// <summary>Opens what the trusted keys signed, then what the keys named there signed, until nothing is added.</summary>
    private static SortedDictionary<long, LedgerKeys> Open(
        LedgerBucket bucket, SortedDictionary<long, byte[]> notes, IReadOnlyList<VerifierKey> trusted)
    {
        var known = trusted.ToHashSet();
        var opened = new SortedDictionary<long, LedgerKeys>();
        CorruptException? complaint = null;
        for (var before = -1; before != opened.Count;)
        {
            before = opened.Count;
            foreach (var (height, note) in notes.Where(n => !opened.ContainsKey(n.Key)).ToList())
            {
                try
                {
                    opened[height] = LedgerKeys.Open(note, [.. known]);
                    known.UnionWith(opened[height].TreeHead);
                }
                catch (CorruptException error)
                {
                    complaint = error;
                }
            }
        }

        if (opened.Count == 0)
            throw new CorruptException($"ledger '{bucket.Name}': the note of its keys is not signed by a key you trust: {complaint!.Message}", complaint);
        foreach (var (older, newer) in opened.Values.Zip(opened.Values.Skip(1)))
            RequireContinuation(bucket, older, newer);
        return opened;
    }

    private static void RequireContinuation(LedgerBucket bucket, LedgerKeys older, LedgerKeys newer)
    {
        var continues = newer.Origin == older.Origin
            && newer.TreeHead.Take(older.TreeHead.Count).SequenceEqual(older.TreeHead)
            && newer.Blocks.Take(older.Blocks.Count).SequenceEqual(older.Blocks);
        if (!continues)
            throw new CorruptException($"ledger '{bucket.Name}': its notes of keys contradict each other");
    }
}
