using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>
/// What a run does about records that its state does not know: the database was restored from an older copy, or has lost its last
/// seconds. The ledger is right. Pure.
/// </summary>
internal static class RunRecall
{
    /// <summary>
    /// The records that came after a state of which is not known how far it goes: it is what the first of them give, and the longest such
    /// beginning is taken. Null where no beginning gives it: this state was never the run's.
    /// </summary>
    public static PlacedRecord[]? After(RunState run, RunId id, IReadOnlyList<PlacedRecord> records)
    {
        var history = new RunHistory(id);
        var counted = new List<PlacedRecord>();
        var known = IsState(run, history) ? 0 : -1;
        foreach (var placed in records)
        {
            if (TryApply(history, placed))
                counted.Add(placed);
            if (IsState(run, history))
                known = counted.Count;
        }

        return known < 0 ? null : [.. counted.Skip(known)];
    }

    /// <summary>
    /// Whether records are plainly the next ones after a state: none of them can contradict what came before. Where that is not so,
    /// only all records of the run can tell, see <see cref="Counted"/>.
    /// </summary>
    public static bool IsFollowedBy(this RunState run, IReadOnlyList<PlacedRecord> records)
    {
        var (token, newest, unfinished) = (run.Token, run.LastSequence, run.Unfinished?.Record);
        if (run.Pending is { } pending && pending.Sequence.Value == newest)
            newest--;
        foreach (var placed in records)
        {
            var record = placed.Record;
            var isNext = record.Kind == RecordKind.Snapshot
                ? record.Sequence.Value > newest && record.Step is not null
                : unfinished is not null && unfinished.AsSpan().SequenceEqual(placed.Line);
            if (!isNext || record.Token.CompareTo(token) < 0)
                return false;
            token = record.Token;
            if (record.Kind == RecordKind.Snapshot)
                newest = record.Sequence.Value;
            else
                unfinished = null;
        }

        return true;
    }

    /// <summary>Of all records of a run those that count: one that contradicts those before it is left out by all who read the ledger.</summary>
    public static IEnumerable<PlacedRecord> Counted(RunId id, IEnumerable<PlacedRecord> records)
    {
        var history = new RunHistory(id);
        return records.Where(placed => TryApply(history, placed));
    }

    /// <summary>The chain head that records give.</summary>
    public static SnapshotLink? HeadOf(RunId id, IEnumerable<PlacedRecord> records)
    {
        var history = new RunHistory(id);
        foreach (var placed in records)
            TryApply(history, placed);
        return history.Head;
    }

    /// <summary>Takes in the next record that the state does not know.</summary>
    /// <param name="run">The run.</param>
    /// <param name="placed">The record.</param>
    /// <param name="snapshot">The snapshot that it commits, or is about.</param>
    /// <param name="now">The time.</param>
    public static RunState Recall(this RunState run, PlacedRecord placed, SnapshotView snapshot, DateTimeOffset now)
    {
        var record = placed.Record;
        var fenced = record.Token.CompareTo(run.Token) > 0 ? run.Fence(record.Token) : run;
        if (fenced.Unfinished is { } unfinished && unfinished.Record.AsSpan().SequenceEqual(placed.Line))
            return fenced.Finish(placed.Place, now);
        if (record.Kind != RecordKind.Snapshot)
            return fenced.Note(record, snapshot.Order.Plan.Step, now);
        if (fenced.Pending?.Sequence == record.Sequence)
            return fenced.End(snapshot, now);
        var committed = fenced with
        {
            Head = snapshot.Link,
            HeadStep = record.Step,
            Committed = fenced.Committed + 1,
            LastSequence = Math.Max(fenced.LastSequence, record.Sequence.Value),
        };
        return committed.With(record.Run, now, RunEventKind.Committed, e => e with
        {
            Token = record.Token,
            Sequence = record.Sequence,
            Step = record.Step,
            Manifest = record.Manifest,
            Parent = fenced.Head?.Sequence,
        });
    }

    /// <summary>The state once it has taken in all.</summary>
    /// <param name="run">The run.</param>
    /// <param name="lastSequence">The newest number that left a trace in the bucket: whoever was given it may be alive.</param>
    /// <param name="end">Height of the ledger that was looked at.</param>
    public static RunState Recalled(this RunState run, long lastSequence, long end) => run with
    {
        LastSequence = Math.Max(run.LastSequence, lastSequence),
        Ledger = new LedgerMark(end, []),
        // Decided before attempts that came later, and not in the ledger: it was answered to nobody, and cannot come after them.
        Unfinished = run.Unfinished is { } unfinished && LedgerRecord.Decode(unfinished.Record).Token.CompareTo(run.Token) < 0
            ? null
            : run.Unfinished,
    };

    /// <summary>The ledger's word instead of a state that was never the run's.</summary>
    public static RunState Adopt(this RunState run, RebuiltRun ledger, RunId id, long end, DateTimeOffset now)
    {
        var adopted = run.Fence(ledger.Token.CompareTo(run.Token) > 0 ? ledger.Token : run.NextToken(Guid.Empty, now)) with
        {
            Head = ledger.Head,
            HeadStep = ledger.HeadStep,
            LastSequence = Math.Max(run.LastSequence, ledger.LastSequence),
            Committed = ledger.Committed,
            Tags = ledger.Tags,
            Pins = ledger.Pins,
            Pending = null,
            Unfinished = null,
            Ledger = new LedgerMark(end, []),
        };
        return adopted.With(id, now, RunEventKind.Rebuilt, e => e with
        {
            Sequence = ledger.Head?.Sequence,
            Step = ledger.HeadStep,
            Detail = ledger.LastEvent.Detail,
        });
    }

    /// <summary>Whether a state is what the ledger says.</summary>
    public static bool IsState(this RunState run, RebuiltRun ledger) =>
        run.Pending is null && run.Unfinished is null
        && (run.Committed, run.Head) == (ledger.Committed, ledger.Head)
        && ledger.Pins.ToHashSet().SetEquals(run.Pins)
        && run.Tags.Count == ledger.Tags.Count && run.Tags.All(t => ledger.Tags.TryGetValue(t.Key, out var at) && at == t.Value);

    private static bool IsState(RunState run, RunHistory history) =>
        run.Committed == history.Snapshots.Count && run.Head == history.Head
        && run.Pins.Length == history.Pins.Count && run.Pins.All(p => history.Pins.Contains(p.Value))
        && run.Tags.Count == history.Tags.Count
        && run.Tags.All(t => history.Tags.TryGetValue(t.Key, out var at) && at.Sequence == t.Value);

    /// <returns>Whether it counts; an audit tells of one that does not.</returns>
    private static bool TryApply(RunHistory history, PlacedRecord placed)
    {
        try
        {
            history.Apply(placed.Record, placed.Place);
            return true;
        }
        catch (CorruptException)
        {
            return false;
        }
    }

    private static RunState Fence(this RunState run, FencingToken token) =>
        run with { Token = token, Lease = null, Ranks = [], ReadyRanks = [], LeftRanks = [] };
}
