using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// The notes of public keys beside a ledger: one from its beginning, twice, and one per block that rotated keys. Each is signed
/// by the tree head key in force then, and by the one before it where that changed, so that whoever trusts any of these
/// keys can walk to all others, and a key that was replaced says nothing of what came later. Any one of them serves.
/// </summary>
public sealed class KeyNotes
{
    private readonly SortedDictionary<long, LedgerKeys> _byHeight;

    private KeyNotes(SortedDictionary<long, LedgerKeys> byHeight, IReadOnlyList<KeyNote>? notes) => (_byHeight, Notes, Found) =
        (byHeight, notes, notes?.Select(n => n.Height).Where(height => height != KeyNote.Beginning).ToHashSet());

    /// <summary>All notes found, those that are not to be believed too; null where nobody looked.</summary>
    internal IReadOnlyList<KeyNote>? Notes { get; }

    /// <summary>Heights of the blocks that have a note which says that they rotated keys; null where nobody looked.</summary>
    internal IReadOnlySet<long>? Found { get; }

    /// <summary>All keys so far; what the ledger's blocks say counts, this is where to begin.</summary>
    public LedgerKeys Newest => _byHeight.Values.Last();

    /// <summary>The keys in force for the block at this height.</summary>
    public LedgerKeys At(long height) =>
        _byHeight.Where(n => n.Key < height).Select(n => n.Value).LastOrDefault() ?? Newest.Initial;

    /// <summary>The note of the block at this height; null where there is none, or none that is to be believed.</summary>
    public LedgerKeys? Find(long height) => _byHeight.GetValueOrDefault(height);

    /// <summary>Reads the notes of a ledger.</summary>
    /// <param name="bucket">The ledger.</param>
    /// <param name="trusted">Tree head keys known from elsewhere; empty: believe the oldest note that can be read.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="NotFoundException">There is no trace of a ledger.</exception>
    /// <exception cref="CorruptException">
    /// The ledger is there and its notes are missing, no trusted key leads to them, or they contradict each other.
    /// </exception>
    public static async Task<KeyNotes> ReadAsync(
        LedgerBucket bucket, IReadOnlyList<VerifierKey> trusted, CancellationToken cancel)
    {
        var notes = await KeyNote.FetchAsync(bucket, cancel);
        if (notes.Count == 0)
            throw await AbsentAsync(bucket, cancel);
        return new KeyNotes(Open(bucket, notes, trusted.Count > 0 ? trusted : Oldest(bucket, notes)), notes);
    }

    /// <summary>
    /// Whether a ledger has been begun: whatever is there of one tells. Its notes of keys may be lost, and a ledger without them is a
    /// damaged ledger, never none.
    /// </summary>
    public static async Task<bool> ExistAsync(LedgerBucket bucket, CancellationToken cancel) =>
        await bucket.GetKeysAsync(cancel) is not null || await bucket.FindTraceAsync(cancel) is not null;

    /// <summary>The keys a person trusts, given in full: both roles, so that no note is needed.</summary>
    public static KeyNotes Of(LedgerKeys keys) => new(new SortedDictionary<long, LedgerKeys> { [KeyNote.Beginning] = keys }, null);

    private static async Task<CiuicException> AbsentAsync(LedgerBucket bucket, CancellationToken cancel) =>
        await bucket.FindTraceAsync(cancel) is not { } trace
            ? new NotFoundException(
                $"There is no ledger '{bucket.Name}' in {bucket.Store.Location}: no note of its keys was found, and nothing else of it.")
            : new CorruptException(
                $"ledger '{bucket.Name}' in {bucket.Store.Location} is there ({trace}), but the note of its keys "
                + $"({BucketLayout.Keys(bucket.Name)}) is missing, and every copy of it: a silo that has the ledger's keys writes it again when it "
                + "starts; or bring it back from a backup.");

    /// <summary>Whom to believe where nobody said: the oldest note that is whole.</summary>
    private static IReadOnlyList<VerifierKey> Oldest(LedgerBucket bucket, IReadOnlyList<KeyNote> notes)
    {
        CorruptException? complaint = null;
        foreach (var note in notes)
        {
            try
            {
                return LedgerKeys.OpenUntrusted(note.Bytes).TreeHead;
            }
            catch (CorruptException error)
            {
                complaint ??= Damaged(bucket, note, error);
            }
        }

        throw complaint!;
    }

    /// <summary>Opens what the trusted keys vouch for, then what the keys named there vouch for, until nothing is added.</summary>
    private static SortedDictionary<long, LedgerKeys> Open(
        LedgerBucket bucket, IReadOnlyList<KeyNote> notes, IReadOnlyList<VerifierKey> trusted)
    {
        var known = trusted.ToHashSet();
        var opened = new SortedDictionary<long, LedgerKeys>();
        CorruptException? complaint = null;
        for (var before = -1; before != opened.Count;)
        {
            before = opened.Count;
            foreach (var note in notes.Where(n => !opened.ContainsKey(n.Height)))
            {
                try
                {
                    opened[note.Height] = LedgerKeys.Open(note.Bytes, [.. known]);
                    known.UnionWith(opened[note.Height].TreeHead);
                }
                catch (CorruptException error)
                {
                    complaint ??= Damaged(bucket, note, error);
                }
            }
        }

        if (opened.Count == 0)
            throw complaint!;
        foreach (var (older, newer) in opened.Values.Zip(opened.Values.Skip(1)))
            RequireContinuation(bucket, older, newer);
        return opened;
    }

    private static CorruptException Damaged(LedgerBucket bucket, KeyNote note, CorruptException error) => new(
        $"ledger '{bucket.Name}': the note of its keys {BucketLayout.Tile(bucket.Name, note.Name)} is damaged, or not signed by a key you "
        + $"trust, and no other one serves: {error.Message}. A silo that has the ledger's keys writes a damaged one again when it starts.",
        error);

    private static void RequireContinuation(LedgerBucket bucket, LedgerKeys older, LedgerKeys newer)
    {
        var continues = newer.Origin == older.Origin
            && newer.TreeHead.Take(older.TreeHead.Count).SequenceEqual(older.TreeHead)
            && newer.Blocks.Take(older.Blocks.Count).SequenceEqual(older.Blocks);
        if (!continues)
            throw new CorruptException($"ledger '{bucket.Name}': its notes of keys contradict each other");
    }
}
