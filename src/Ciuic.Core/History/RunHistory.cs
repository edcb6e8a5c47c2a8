namespace Ciuic.Core;

/// <summary>A committed snapshot as the ledger tells it.</summary>
/// <param name="Link">Place and identity.</param>
/// <param name="Step">Optimizer updates completed.</param>
/// <param name="Token">The right under which it was written.</param>
/// <param name="Parent">The chain head before it, which it was trained on from.</param>
/// <param name="Position">Where the ledger says so.</param>
public sealed record CommittedSnapshot(
    SnapshotLink Link, long Step, FencingToken Token, SnapshotLink? Parent, LedgerPosition Position);

/// <summary>
/// What the ledger's records say about one run: committed snapshots and the chain head. Pure: the bucket alone
/// gives the same answer as the database.
/// </summary>
public sealed class RunHistory(RunId run)
{
    private readonly SortedDictionary<long, CommittedSnapshot> _snapshots = [];

    /// <summary>The run.</summary>
    public RunId Run { get; } = run;

    /// <summary>The snapshot the run would resume from; null before the first commit.</summary>
    public SnapshotLink? Head { get; private set; }

    /// <summary>The newest token seen.</summary>
    public FencingToken Token { get; private set; }

    /// <summary>Number of rollbacks.</summary>
    public int Rollbacks { get; private set; }

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
        if (record.Kind == RecordKind.Snapshot)
            Commit(record, position);
        else if (record.Kind == RecordKind.Rollback)
            RollBack(record, position);
        else
            return; // a kind of a later version: it says nothing about snapshots that this one must know
        Token = record.Token;
    }

    private void Commit(LedgerRecord record, LedgerPosition position)
    {
        var newest = _snapshots.Count == 0 ? 0 : _snapshots.Keys.Last();
        Require(record.Sequence.Value > newest, record, position, $"#{newest} was committed before it");
        Require(record.Step is not null, record, position, "it names no step");
        Require(record.Token.CompareTo(Token) >= 0, record, position, $"its token is older than {Token}");
        var link = new SnapshotLink { Sequence = record.Sequence, Manifest = record.Manifest };
        _snapshots[record.Sequence.Value] =
            new CommittedSnapshot(link, record.Step!.Value, record.Token, Head, position);
        Head = link;
    }

    private void RollBack(LedgerRecord record, LedgerPosition position)
    {
        var target = Find(record.Sequence);
        Require(target is not null && target.Link.Manifest == record.Manifest, record, position,
            "it goes back to a snapshot that was never committed");
        Require(record.Token.CompareTo(Token) >= 0, record, position, $"its token is older than {Token}");
        Head = target!.Link;
        Rollbacks++;
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
