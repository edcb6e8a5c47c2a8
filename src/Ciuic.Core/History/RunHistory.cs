namespace Ciuic.Core;

/// <summary>A committed snapshot as the ledger tells it.</summary>
/// <param name="Link">Place and identity.</param>
/// <param name="Step">Optimizer updates completed.</param>
/// <param name="Token">The right under which it was written.</param>
/// <param name="Parent">The chain head before it, which it was trained on from.</param>
/// <param name="Position">Where the ledger says so.</param>
/// <param name="Signer">The run's key that signed its shards; null where trainers do not sign.</param>
public sealed record CommittedSnapshot(
    SnapshotLink Link, long Step, FencingToken Token, SnapshotLink? Parent, LedgerPosition Position, VerifierKey? Signer)
{
    /// <summary>Records that accept what is wrong with its place in history, oldest first.</summary>
    public IReadOnlyList<LedgerRecord> Repairs { get; init; } = [];

    /// <summary>The record that accepts a finding, and says who does and why; null where there is none.</summary>
    /// <param name="finding">What is wrong, see <see cref="FindingKind"/>.</param>
    public LedgerRecord? FindRepair(string finding) => Repairs.FirstOrDefault(r => r.Finding == finding);
}

/// <summary>
/// What the ledger's records say about one run: committed snapshots and the chain head. Pure: the bucket alone
/// gives the same answer as the database.
/// </summary>
public sealed class RunHistory(RunId run)
{
    private readonly SortedDictionary<long, CommittedSnapshot> _snapshots = [];
    private readonly SortedDictionary<string, SnapshotLink> _tags = new(StringComparer.Ordinal);
    private readonly SortedSet<long> _pins = [];
    private long _newest; // a tree's last key takes a walk to find, and a run has many snapshots

    /// <summary>The run.</summary>
    public RunId Run { get; } = run;

    /// <summary>The snapshot the run would resume from; null before the first commit.</summary>
    public SnapshotLink? Head { get; private set; }

    /// <summary>The newest token seen.</summary>
    public FencingToken Token { get; private set; }

    /// <summary>Number of rollbacks.</summary>
    public int Rollbacks { get; private set; }

    /// <summary>Which snapshot has which tag now.</summary>
    public IReadOnlyDictionary<string, SnapshotLink> Tags => _tags;

    /// <summary>Sequences of the snapshots that must not be forgotten.</summary>
    public IReadOnlyCollection<long> Pins => _pins;

    /// <summary>All committed snapshots, oldest first, of all branches.</summary>
    public IReadOnlyCollection<CommittedSnapshot> Snapshots => _snapshots.Values;

    /// <summary>The committed snapshot at a place, or null.</summary>
    public CommittedSnapshot? Find(Sequence sequence) => _snapshots.GetValueOrDefault(sequence.Value);

    /// <summary>The snapshots from the head back to the first, along parents.</summary>
    public IEnumerable<CommittedSnapshot> Chain()
    {
        for (var at = Head; at is not null;)
        {
            var snapshot = _snapshots[at.Sequence.Value];
            yield return snapshot;
            at = snapshot.Parent;
        }
    }

    /// <summary>Takes in the next record about this run.</summary>
    /// <exception cref="CorruptException">The record contradicts those before it.</exception>
    public void Apply(LedgerRecord record, LedgerPosition position)
    {
        if (!RecordKind.IsFact(record.Kind))
            return; // a kind of a later version: it says nothing about snapshots that this one must know
        Require(record.Token.CompareTo(Token) >= 0, record, position, $"its token is older than {Token}");
        if (record.Kind == RecordKind.Snapshot)
            Commit(record, position);
        else
            Mark(record, position);
        Token = record.Token;
    }

    private void Commit(LedgerRecord record, LedgerPosition position)
    {
        Require(record.Sequence.Value > _newest, record, position, $"#{_newest} was committed before it");
        Require(record.Step is not null, record, position, "it names no step");
        var link = new SnapshotLink { Sequence = record.Sequence, Manifest = record.Manifest };
        _snapshots[record.Sequence.Value] =
            new CommittedSnapshot(link, record.Step!.Value, record.Token, Head, position, record.Signer);
        Head = link;
        _newest = record.Sequence.Value;
    }

    private void Mark(LedgerRecord record, LedgerPosition position)
    {
        var target = Find(record.Sequence);
        Require(target is not null && target.Link.Manifest == record.Manifest, record, position,
            "it names a snapshot that was never committed");
        Require((record.Tag is not null) == (record.Kind is RecordKind.Tag or RecordKind.Untag), record, position,
            "tags have names, and nothing else has");
        switch (record.Kind)
        {
            case RecordKind.Rollback:
                Head = target!.Link;
                Rollbacks++;
                break;
            case RecordKind.Tag:
                _tags[record.Tag!.Value.Value] = target!.Link;
                break;
            case RecordKind.Untag:
                _tags.Remove(record.Tag!.Value.Value);
                break;
            case RecordKind.Repair:
                _snapshots[record.Sequence.Value] = target! with { Repairs = [.. target.Repairs, record] };
                break;
            case RecordKind.Pin:
                _pins.Add(record.Sequence.Value);
                break;
            default:
                _pins.Remove(record.Sequence.Value);
                break;
        }
    }

    private static void Require(bool holds, LedgerRecord record, LedgerPosition position, string complaint)
    {
        if (!holds)
        {
            throw new CorruptException(
                $"the {record.Kind} of {record.Run}#{record.Sequence} at {position} contradicts history: {complaint}");
        }
    }
}
