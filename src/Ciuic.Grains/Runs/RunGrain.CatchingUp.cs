using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Grains;

/// <summary>
/// A database may be older than the ledger: restored from a backup, or failed over to a copy that lagged. Before an activation decides
/// anything, it looks at what the ledger has beyond what its state has taken in, and takes that in.
/// </summary>
internal sealed partial class RunGrain
{
    /// <summary>Numbers looked for beyond the newest one that is known; a gap that is longer ends the search.</summary>
    private const int TracesAtOnce = 8;

    /// <summary>A mark that is so many blocks behind is written anew: the next activation must not read them all again.</summary>
    private const long MaxBehind = 10_000;

    /// <summary>The newest number beyond the last one known here that has left a trace, once this activation has looked.</summary>
    private (long After, long Newest)? _traces;

    public async Task<CatchUpOutcome> CatchUpAsync(RebuiltRun ledger, bool isRebuilt)
    {
        await RequireNewestAsync();
        if (Run.IsState(ledger) && Run.Ledger is not null)
            return CatchUpOutcome.Same;
        var end = (await Tail.FindAsync(Id, 0)).End;
        if (await TryCatchUpAsync(fromStart: true) is { } changed)
            return changed ? CatchUpOutcome.Mended : CatchUpOutcome.Same;
        if (!isRebuilt)
            return CatchUpOutcome.Contradicts;
        // Not by way of what looks at the ledger first: that has just said that it cannot.
        if (Run.Pending is { } pending)
            await SnapshotOf(pending.Sequence).EndAsync(pending.Order, "the run was rebuilt");
        // Dying before this line: the state is what it was, and the next rebuild comes by again.
        await SaveAsync(Run.Adopt(ledger, Id, end, Now));
        logger.Rebuilt(Id, ledger.Committed);
        _isCaughtUp = false; // what was in flight may have been committed by being ended: the next call takes that in
        return CatchUpOutcome.Mended;
    }

    /// <summary>Once for each activation, before anything is decided.</summary>
    /// <exception cref="ConflictException">The run's state is not one that it ever had; the message says what to do.</exception>
    /// <exception cref="UnavailableException">Bucket or database do not answer.</exception>
    private async Task CatchUpAsync()
    {
        try
        {
            if (_isCaughtUp || await TryCatchUpAsync(fromStart: false) is not null)
                return;
        }
        catch
        {
            _traces = null; // who tries again later looks again: a snapshot may have been begun elsewhere meanwhile
            throw;
        }

        throw new ConflictException(
            $"Run {Id}: its head is {Told(Run.Head)} in this silo's database and {Told(RunRecall.HeadOf(Id, await ReadAllAsync()))} in the ledger, "
            + "which never said what the database says: it is another database, or an older version has left a fault. 'ciuic rebuild' puts what "
            + "the ledger says in its place; 'ciuic repair' then accepts a parent that is not the head.");
    }

    private static string Told(SnapshotLink? head) => head is null ? "none" : $"#{head.Sequence} ({head.Manifest})";

    /// <summary>For those who only look: what cannot be compared now is shown as it is.</summary>
    private async Task TryCatchUpAsync()
    {
        try
        {
            await CatchUpAsync();
        }
        catch (CiuicException error)
        {
            logger.NotCaughtUp(Id, error.Message);
        }
    }

    /// <returns>Whether the state was changed; null where it is none that the run ever had.</returns>
    private async Task<bool?> TryCatchUpAsync(bool fromStart)
    {
        if (Run.LastEvent == 0)
            await RequireNoTraceAsync();
        var mark = fromStart ? null : Run.Ledger;
        // From the last block that it has taken in: where that is missing, this is another ledger, or one that was cut off.
        var found = await Tail.FindAsync(Id, Math.Max(0, (mark?.Height ?? 0) - 1));
        if (found.End < mark?.Height)
            return await TryCatchUpAsync(fromStart: true);
        if (Run.LastEvent == 0 && found.Places.Length > 0)
            throw await UnknownAsync();
        var trace = Run.LastEvent == 0 ? 0 : await NewestTraceAsync();
        LedgerPosition[] places = [.. found.Places.Where(p => p.Height >= (mark?.Height ?? 0)).Except(mark?.Known ?? [])];
        var records = await ReadAsync(places);
        var unknown = mark is null ? RunRecall.After(Run, Id, records) : Run.IsFollowedBy(records) ? records : await CountedAsync(records);
        if (unknown is null || unknown.Length > 0 || trace > Run.LastSequence)
            await RequireNewestAsync(); // another activation may have gone on, and what it knows be all there is
        if (unknown is null)
            return null;
        var changes = unknown.Length > 0 || trace > Run.LastSequence;
        if (changes)
            await RecallAsync(unknown, trace, found.End);
        else if (Run.Ledger is { } old && found.End - old.Height > MaxBehind)
            await SaveAsync(Run with { Ledger = new LedgerMark(found.End, []) });
        else
            state.State = Run with { Ledger = new LedgerMark(found.End, []) }; // stored with whatever is stored next
        _isCaughtUp = true;
        return changes;
    }

    private async Task<PlacedRecord[]> ReadAsync(LedgerPosition[] places)
    {
        var records = places.Length == 0 ? [] : await Tail.ReadAsync(places);
        return records.All(placed => placed.Record.Run == Id)
            ? records
            : throw new UnavailableException($"Run {Id}: a block and its bundle in ledger '{ledger.Value.Name}' differ; it is looked at again.");
    }

    /// <summary>Those of some records that an audit counts, too.</summary>
    private async Task<PlacedRecord[]> CountedAsync(PlacedRecord[] records)
    {
        var places = records.Select(r => r.Place).ToHashSet();
        return [.. RunRecall.Counted(Id, await ReadAllAsync()).Where(r => places.Contains(r.Place))];
    }

    private async Task<PlacedRecord[]> ReadAllAsync() => await ReadAsync((await Tail.FindAsync(Id, 0)).Places);

    /// <summary>Of a run that is unknown here there must be nothing in the bucket; that is asked before a long ledger is read.</summary>
    private async Task RequireNoTraceAsync()
    {
        if (await HasTraceAsync(BucketLayout.RunPrefix(Id)))
            throw await UnknownAsync();
    }

    private async Task<ConflictException> UnknownAsync()
    {
        await RequireNewestAsync(); // another activation may have opened it
        return new ConflictException(
            $"Run {Id} has snapshots in {store.Location} and is unknown to this silo's database: the database was lost or is another one. "
            + "'ciuic rebuild' brings the run back from the bucket.");
    }

    /// <summary>
    /// Dying within it: nothing of the run is stored, and the next activation does the same. Snapshots go first, and are the same again.
    /// </summary>
    private async Task RecallAsync(PlacedRecord[] records, long trace, long end)
    {
        var (before, next) = (Run, Run);
        foreach (var placed in records)
        {
            var record = placed.Record;
            if (record.Kind == RecordKind.Snapshot)
            {
                if (next.Pending is { } passed && passed.Sequence.CompareTo(record.Sequence) < 0)
                    next = await EndPassedAsync(next, passed);
                await SnapshotOf(record.Sequence).RebuildAsync(RebuiltOf(placed, next.Head));
            }

            next = next.Recall(placed, await CommittedAsync(record), Now);
        }

        if (next.Pending is { } old && old.Order.Token.CompareTo(next.Token) < 0)
            next = await EndPassedAsync(next, old);
        await SaveAsync(next.Recalled(trace, end));
        if (records.Length > 0 || trace > before.LastSequence)
            logger.CaughtUp(Id, records.Length, before.Head?.Sequence.Value ?? 0, next.Head?.Sequence.Value ?? 0);
    }

    /// <summary>The snapshot that a record is about. Its row may have been lost with others: the ledger says that it was committed, and when.</summary>
    private async Task<SnapshotView> CommittedAsync(LedgerRecord record)
    {
        var snapshot = SnapshotOf(record.Sequence);
        if (await snapshot.GetAsync() is { Link: not null } there)
            return there;
        var commits = RunRecall.Counted(Id, await ReadAllAsync()).Where(p => p.Record.Kind == RecordKind.Snapshot);
        var commit = commits.First(p => p.Record.Sequence == record.Sequence);
        await snapshot.RebuildAsync(RebuiltOf(commit, parent: null)); // its manifest names the parent
        return await snapshot.GetAsync() ?? throw new UnavailableException($"Snapshot {Id}#{record.Sequence} was not rebuilt; ask again.");
    }

    /// <summary>History has gone on without it.</summary>
    private async Task<RunState> EndPassedAsync(RunState run, PendingSnapshot passed) => run.End(
        await SnapshotOf(passed.Sequence).EndAsync(passed.Order, "history has gone on without it: the database was older than the ledger"), Now);

    private static RebuiltSnapshot RebuiltOf(PlacedRecord placed, SnapshotLink? parent) => new()
    {
        Manifest = placed.Record.Manifest,
        Position = placed.Place,
        CommittedAt = placed.At,
        Step = placed.Record.Step!.Value,
        Token = placed.Record.Token,
        Parent = parent,
    };

    /// <summary>
    /// The newest snapshot beyond those known here that left something in the bucket; 0 where none did. Its number was given by a
    /// database that knew of it: whoever has it may be alive.
    /// </summary>
    private async Task<long> NewestTraceAsync()
    {
        // Whoever sees that this activation cannot catch up asks it again and again.
        if (_traces?.After != Run.LastSequence)
            _traces = (Run.LastSequence, await FindTraceAfterAsync(Run.LastSequence));
        return _traces.Value.Newest;
    }

    private async Task<long> FindTraceAfterAsync(long known)
    {
        var (newest, from) = (0L, known + 1);
        while (true)
        {
            var found = await Task.WhenAll(Enumerable.Range(0, TracesAtOnce).Select(i => HasTraceAsync($"{BucketLayout.RunPrefix(Id)}{from + i}/")));
            var last = Array.LastIndexOf(found, true);
            if (last < 0)
                return newest;
            newest = from + last;
            from = newest + 1;
        }
    }

    private async Task<bool> HasTraceAsync(string prefix)
    {
        await foreach (var found in store.ListAsync(prefix, CancellationToken.None))
        {
            if (BucketLayout.SequenceOf(found.Key) is not null)
                return true;
        }

        return false;
    }

    private ILedgerTailGrain Tail => GrainFactory.GetGrain<ILedgerTailGrain>(ledger.Value.Name);
}
