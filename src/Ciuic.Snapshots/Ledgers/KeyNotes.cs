using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// The notes of public keys beside a ledger: one from its beginning and one per block that rotated keys. Each is signed
/// by the tree head key in force then, and by the one before it where that changed, so that whoever trusts any of these
/// keys can walk to all others, and a key that was replaced says nothing of what came later.
/// </summary>
public sealed class KeyNotes
{
    /// <summary>Stands for the note a ledger begins with.</summary>
    private const long Beginning = -1;

    private readonly SortedDictionary<long, LedgerKeys> _byHeight;

    private KeyNotes(SortedDictionary<long, LedgerKeys> byHeight, IReadOnlySet<long>? found) => (_byHeight, Found) = (byHeight, found);

    /// <summary>Heights of all notes found, those that are not to be believed too; null where nobody looked.</summary>
    public IReadOnlySet<long>? Found { get; }

    /// <summary>All keys so far; what the ledger's blocks say counts, this is where to begin.</summary>
    public LedgerKeys Newest => _byHeight.Values.Last();

    /// <summary>The keys in force for the block at this height.</summary>
    public LedgerKeys At(long height) =>
        _byHeight.Where(n => n.Key < height).Select(n => n.Value).LastOrDefault() ?? Newest.Initial;

    /// <summary>The note of the block at this height; null where there is none, or none that is to be believed.</summary>
    public LedgerKeys? Find(long height) => _byHeight.GetValueOrDefault(height);

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
        return new KeyNotes(Open(bucket, notes, trusted), notes.Keys.Where(height => height != Beginning).ToHashSet());
    }

    /// <summary>Whether a ledger has been begun.</summary>
    public static async Task<bool> ExistAsync(LedgerBucket bucket, CancellationToken cancel) =>
        await bucket.GetKeysAsync(cancel) is not null;

    /// <summary>The keys a person trusts, given in full: both roles, so that no note is needed.</summary>
    public static KeyNotes Of(LedgerKeys keys) => new(new SortedDictionary<long, LedgerKeys> { [Beginning] = keys }, null);

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

    /// <summary>Opens what the trusted keys vouch for, then what the keys named there vouch for, until nothing is added.</summary>
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
