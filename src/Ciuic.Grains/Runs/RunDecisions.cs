using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>
/// What a run does next, without doing it: state and command in, next state out. No clock, no I/O.
/// </summary>
internal static class RunDecisions
{
    /// <summary>Tags a run may have at once.</summary>
    public const int MaxTags = 100;

    /// <summary>Pins a run may have at once.</summary>
    public const int MaxPins = 1_000;

    /// <summary>Tokens are milliseconds times this, and something of the attempt's own: exact in every JSON until the year 2248.</summary>
    private const ulong TokensAMillisecond = 1_024;

    private static readonly (SnapshotState State, RunEventKind Kind)[] Stages =
        [(SnapshotState.Uploaded, RunEventKind.Uploaded), (SnapshotState.Verified, RunEventKind.Verified)];

    /// <summary>Whether the asker gets the lease.</summary>
    /// <param name="run">The run.</param>
    /// <param name="request">Who asks.</param>
    /// <param name="isLive">Whether the lease in force is live.</param>
    public static bool MayOpen(this RunState run, OpenRequest request, bool isLive) =>
        !isLive
        || run.Lease!.Attempt == request.Attempt
        || run.Lease.Token == request.TakeOverFrom;

    /// <summary>
    /// Whether the asker was part of a start that has ended: another one has begun since, or another process has its place.
    /// </summary>
    public static bool IsOver(this RunState run, OpenRequest request) => request.Joined is { } joined
        && (joined.CompareTo(run.Began) < 0 || (run.IsHeldBy(request.Attempt) && run.IsTaken(request.Member)));

    /// <summary>Whether the asker becomes, or is, part of the start that holds the lease.</summary>
    public static bool Joins(this RunState run, OpenRequest request) =>
        run.IsHeldBy(request.Attempt) && !run.IsRestartedBy(request);

    /// <summary>Why a process cannot be part of the attempt that holds the lease; null where it can, or is of another start.</summary>
    public static string? MisfitOf(this RunState run, OpenRequest request) => !run.Joins(request)
        ? null
        : run.Lease!.WorldSize != request.WorldSize
            ? $"rank {request.Rank} says that there are {request.WorldSize} ranks, the first one to come said {run.Lease.WorldSize}"
            : run.LeftRanks.Contains(request.Rank.Value)
                ? $"rank {request.Rank} has left this attempt; a start of all ranks is a new attempt and needs a new name"
                : run.IsTaken(request.Member) && !request.NameOutlivesStarts
                    ? $"another process is, or was, rank {request.Rank} of this attempt; a start of all ranks is a new attempt and needs a new name"
                    : null;

    /// <summary>Whether a process is part of the start that holds the lease.</summary>
    public static bool Has(this RunState run, RankProcess member) =>
        run.Ranks.TryGetValue(member.Rank.Value, out var process) && process == member.Process;

    /// <summary>
    /// Ranks that come to an attempt share its token; the same rank asking again may have lost an answer. A process that takes the
    /// place of one that has not trained yet is not ready because that one was: launchers kill, and start again, in any order.
    /// </summary>
    public static RunState Open(this RunState run, RunId id, OpenRequest request, DateTimeOffset now, TimeSpan duration)
    {
        if (run.Joins(request))
        {
            return run with
            {
                Lease = run.Lease! with { ExpiresAt = now + duration },
                Ranks = new(run.Ranks) { [request.Rank.Value] = request.Process },
                ReadyRanks = run.IsTaken(request.Member) ? [.. run.ReadyRanks.Except([request.Rank.Value])] : run.ReadyRanks,
            };
        }

        var token = run.NextToken(request.Attempt, now);
        var lease = new Lease
        {
            Attempt = request.Attempt,
            Token = token,
            Trainer = request.Trainer,
            ExpiresAt = now + duration,
            WorldSize = request.WorldSize,
        };
        var opened = run with
        {
            Token = token,
            Lease = lease,
            // After a rollback the ranks come back to the start they were part of.
            Began = request.Joined is null ? token : run.Began,
            Ranks = new() { [request.Rank.Value] = request.Process },
            ReadyRanks = [],
            LeftRanks = [],
            LastSave = 0,
        };
        return opened.With(id, now, RunEventKind.Opened, e => e with { Detail = request.Trainer.ToString() });
    }

    /// <summary>
    /// The next token: above every one that was ever given, also by a database whose last seconds were lost, because it grows with the
    /// clock; and of two attempts that get theirs in one moment, or behind one clock that went wrong, each has its own.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="attempt">Whose token it will be.</param>
    /// <param name="now">The time.</param>
    public static FencingToken NextToken(this RunState run, Guid attempt, DateTimeOffset now) => NextToken(run.Token, attempt, now);

    /// <inheritdoc cref="NextToken(RunState, Guid, DateTimeOffset)"/>
    public static FencingToken NextToken(FencingToken last, Guid attempt, DateTimeOffset now)
    {
        var own = BitConverter.ToUInt16(attempt.ToByteArray(), 14) % TokensAMillisecond;
        var floor = Math.Max(checked(last.Value + 1), (ulong)Math.Max(0, now.ToUnixTimeMilliseconds()) * TokensAMillisecond);
        var token = floor - (floor % TokensAMillisecond) + own;
        return new FencingToken(token >= floor ? token : checked(token + TokensAMillisecond));
    }

    /// <summary>
    /// The same state where little time has passed since the last renewal: many ranks renew one lease. One that ends later than a
    /// lease can was given under a clock that has been set back since.
    /// </summary>
    public static RunState Renew(this RunState run, DateTimeOffset now, TimeSpan duration)
    {
        var left = run.Lease!.ExpiresAt - now;
        return left > duration * 5 / 6 && left <= duration ? run : run with { Lease = run.Lease with { ExpiresAt = now + duration } };
    }

    /// <summary>
    /// Whoever leaves a start that has trained does not come back to it: the others would train without him. The same state where a
    /// process leaves whose place another one has taken.
    /// </summary>
    public static RunState Close(this RunState run, RunId id, RankProcess member, DateTimeOffset now)
    {
        if (!run.Has(member))
            return run;
        var rank = member.Rank.Value;
        var ranks = run.Ranks.Where(r => r.Key != rank).ToDictionary();
        if (ranks.Count == 0)
            return (run with { Lease = null, Ranks = ranks, LeftRanks = [] }).With(id, now, RunEventKind.Closed, e => e);
        return run.HasTrained()
            ? run with { Ranks = ranks, LeftRanks = [.. run.LeftRanks.Except([rank]), rank] }
            : run with { Ranks = ranks, ReadyRanks = [.. run.ReadyRanks.Except([rank])] };
    }

    /// <summary>Takes note that a rank has restored the chain head.</summary>
    public static RunState Ready(this RunState run, Rank rank) =>
        run.ReadyRanks.Contains(rank.Value) ? run : run with { ReadyRanks = [.. run.ReadyRanks, rank.Value] };

    /// <summary>
    /// Ranks of the attempt that have not restored the chain head. One that was ready with all others and has left since, because its
    /// program is short, keeps nobody waiting who has not been told yet.
    /// </summary>
    public static int[] UnreadyRanks(this RunState run) => [.. Enumerable.Range(0, run.Lease?.WorldSize ?? 0).Except(run.ReadyRanks)];

    /// <summary>Whether a rank's plan belongs to the snapshot in flight.</summary>
    /// <exception cref="InvalidInputException">It has the number of that save and is another one: the ranks are out of step.</exception>
    public static bool IsPending(this RunState run, SnapshotPlan plan)
    {
        var pending = run.Pending!.Order.Plan;
        if (plan.Save == 0 || plan.Save != pending.Save)
            return plan.Save == 0 && plan.Step == pending.Step;
        return plan.Step == pending.Step
            ? true
            : throw new InvalidInputException(
                $"The ranks are out of step: save {plan.Save} is of step {plan.Step} for one of them and of step {pending.Step} for another. "
                + "All of them must save at the same steps.");
    }

    /// <summary>Whether a save of several ranks was begun and has ended.</summary>
    public static bool HasEnded(this RunState run, SnapshotPlan plan) => plan.Save > 0 && plan.Save <= run.LastSave;

    public static RunState Begin(this RunState run, RunId id, SnapshotPlan plan, DateTimeOffset now)
    {
        var sequence = new Sequence(run.LastSequence + 1);
        var order = new SnapshotOrder
        {
            Plan = plan,
            Token = run.Token,
            Parent = run.Head,
            CreatedAt = now,
            NotBefore = run.Ledger?.Height ?? 0,
        };
        return (run with
        {
            LastSequence = sequence.Value,
            Pending = new PendingSnapshot(sequence, order),
            Reached = SnapshotState.Pending,
            LastSave = plan.Save,
        })
            .With(id, now, RunEventKind.Begun, e => e with
            {
                Sequence = sequence,
                Step = plan.Step,
                Parent = run.Head?.Sequence,
            });
    }

    /// <summary>Takes in how far the snapshot in flight is; anything else is old news.</summary>
    public static RunState Reach(this RunState run, SnapshotView snapshot, SnapshotState reached, DateTimeOffset now)
    {
        if (run.Pending?.Sequence != snapshot.Sequence)
            return run;
        foreach (var (state, kind) in Stages.Where(s => run.Reached < s.State && s.State <= reached))
            run = (run with { Reached = state }).With(snapshot.Run, now, kind, e => Of(e, snapshot));
        return run;
    }

    /// <summary>Takes in how the snapshot in flight ended; anything else is old news.</summary>
    public static RunState End(this RunState run, SnapshotView snapshot, DateTimeOffset now)
    {
        if (run.Pending?.Sequence != snapshot.Sequence)
            return run;
        var committed = snapshot.Link is not null;
        // What was committed was uploaded and verified before, whether we were told or not: no event is left out.
        var ended = (committed ? run.Reach(snapshot, SnapshotState.Verified, now) : run) with { Pending = null };
        if (committed)
        {
            ended = ended with
            {
                Head = snapshot.Link,
                HeadStep = snapshot.Order.Plan.Step,
                Committed = run.Committed + 1,
            };
            ended = ended.Took(snapshot.Position!.Value);
        }

        var kind = committed ? RunEventKind.Committed : RunEventKind.Aborted;
        return ended.With(snapshot.Run, now, kind, e => Of(e, snapshot) with { Detail = snapshot.Reason });
    }

    /// <summary>Takes note of damage; what to do about it is decided by whoever restores, or by people.</summary>
    public static RunState Damaged(this RunState run, SnapshotView snapshot, string complaint, DateTimeOffset now) =>
        run.With(snapshot.Run, now, RunEventKind.Damaged, e => Of(e, snapshot) with { Detail = complaint });

    /// <summary>
    /// Whether a rollback has been made already, and is asked for again after a lost answer: the head is there, and nothing is left that
    /// could move it on. A lease that has run out is no such end: its holder may come back. Where an attempt asks, others may train
    /// already; what is in flight is ended for it where it is its own.
    /// </summary>
    public static bool IsRolledBack(this RunState run, SnapshotLink target, RollbackRequest request) =>
        run.Head == target && (request.Token is { } token ? run.Pending?.Order.Token != token : run.Pending is null && run.Lease is null);

    /// <summary>Decides a rollback: whoever trains now is fenced, and the ledger will say why.</summary>
    public static RunState DecideRollback(
        this RunState run, SnapshotView target, RollbackRequest request, long ledgerSize, DateTimeOffset now)
    {
        var fenced = run with { Token = run.NextToken(Guid.Empty, now), Lease = null, Ranks = [], ReadyRanks = [], LeftRanks = [] };
        var record = fenced.RecordOf(RecordKind.Rollback, target, request.Actor, request.Reason, now);
        return fenced.Decide(record, target, ledgerSize, $"{request.Actor}: {request.Reason}");
    }

    /// <summary>Whether a mark would change nothing.</summary>
    public static bool IsMarked(this RunState run, MarkRequest request) => request.Kind switch
    {
        MarkKind.Tag => run.Tags.TryGetValue(request.Tag!.Value.Value, out var at) && at == request.Sequence,
        MarkKind.Untag => !run.Tags.TryGetValue(request.Tag!.Value.Value, out var at) || at != request.Sequence,
        MarkKind.Pin => run.Pins.Contains(request.Sequence),
        // A second record says nothing more: only asked again at once, it is left out.
        MarkKind.Repair => run.Outbox.Any(e => e.Kind == RunEventKind.Repaired && e.Sequence == request.Sequence),
        _ => !run.Pins.Contains(request.Sequence),
    };

    /// <summary>Whether the run's state has room for another mark: it is small whatever people ask.</summary>
    public static bool HasRoomFor(this RunState run, MarkRequest request) => request.Kind switch
    {
        MarkKind.Tag => run.Tags.Count < MaxTags || run.Tags.ContainsKey(request.Tag!.Value.Value),
        MarkKind.Pin => run.Pins.Length < MaxPins,
        _ => true,
    };

    /// <summary>Decides a tag or pin; nobody is fenced.</summary>
    public static RunState DecideMark(
        this RunState run, SnapshotView target, MarkRequest request, long ledgerSize, DateTimeOffset now)
    {
        var kind = request.Kind switch
        {
            MarkKind.Tag => RecordKind.Tag,
            MarkKind.Untag => RecordKind.Untag,
            MarkKind.Pin => RecordKind.Pin,
            MarkKind.Repair => RecordKind.Repair,
            _ => RecordKind.Unpin,
        };
        var record = run.RecordOf(kind, target, request.Actor, request.Reason, now) with
        {
            Tag = request.Tag,
            Finding = request.Kind == MarkKind.Repair ? FindingKind.Parent : null,
        };
        return run.Decide(record, target, ledgerSize, DetailOf(record));
    }

    /// <summary>The state after the ledger has taken what was decided.</summary>
    public static RunState Finish(this RunState run, LedgerPosition position, DateTimeOffset now)
    {
        var unfinished = run.Unfinished!;
        return (run with { Unfinished = null }).Note(LedgerRecord.Decode(unfinished.Record), unfinished.TargetStep, now).Took(position);
    }

    /// <summary>The state after a rollback, tag or pin.</summary>
    public static RunState Note(this RunState run, LedgerRecord record, long targetStep, DateTimeOffset now) =>
        run.Apply(record, targetStep).With(record.Run, now, EventOf(record.Kind), e => e with
        {
            Sequence = record.Sequence,
            Step = targetStep,
            Manifest = record.Manifest,
            Detail = DetailOf(record),
        });

    /// <summary>
    /// Takes note that a record is in the state. While nothing is in flight, no other record of the run can come before the next one
    /// that it asks for, and all up to here are known.
    /// </summary>
    public static RunState Took(this RunState run, LedgerPosition position)
    {
        if (run.Ledger is not { } mark)
            return run;
        LedgerPosition[] known = [.. mark.Known, position];
        var isQuiet = run.Pending is null && run.Unfinished is null;
        return run with { Ledger = isQuiet ? new LedgerMark(Math.Max(mark.Height, known.Max(p => p.Height) + 1), []) : mark with { Known = known } };
    }

    /// <summary>Which event a record of the ledger is.</summary>
    public static RunEventKind EventOf(string kind) => kind switch
    {
        RecordKind.Snapshot => RunEventKind.Committed,
        RecordKind.Rollback => RunEventKind.RolledBack,
        RecordKind.Tag => RunEventKind.Tagged,
        RecordKind.Untag => RunEventKind.Untagged,
        RecordKind.Pin => RunEventKind.Pinned,
        RecordKind.Repair => RunEventKind.Repaired,
        _ => RunEventKind.Unpinned,
    };

    /// <summary>What an event says of a record that people asked for.</summary>
    public static string DetailOf(LedgerRecord record)
    {
        var why = $"{record.Actor}: {record.Reason}";
        return record.Tag is { } tag ? $"{tag}, {why}" : why;
    }

    /// <summary>The state that a rebuild found in the ledger.</summary>
    public static RunState Rebuilt(RebuiltRun run) => new()
    {
        Token = run.Token,
        Head = run.Head,
        HeadStep = run.HeadStep,
        LastSequence = run.LastSequence,
        Committed = run.Committed,
        LastEvent = run.LastEvent.Number,
        Outbox = [run.LastEvent],
        Tags = run.Tags,
        Pins = run.Pins,
    };

    /// <exception cref="InvalidInputException">There can be no such rank.</exception>
    public static void CheckOpen(OpenRequest request)
    {
        if (request.WorldSize is < 1 or > Rank.MaxWorldSize || request.Rank.Value >= request.WorldSize)
            throw new InvalidInputException($"There is no rank {request.Rank} among {request.WorldSize}.");
    }

    /// <exception cref="InvalidInputException">The reason is empty or too long.</exception>
    public static void CheckReason(string what, string reason)
    {
        if (reason.Trim().Length == 0 || reason.Length > LedgerRecord.MaxReasonLength)
        {
            throw new InvalidInputException(
                $"{what} needs a reason of 1 to {LedgerRecord.MaxReasonLength} characters: it stays in the ledger.");
        }
    }

    /// <exception cref="InvalidInputException">The request cannot be carried out whatever the run's state.</exception>
    public static void CheckMark(MarkRequest request)
    {
        CheckReason("A tag, pin or repair", request.Reason);
        if ((request.Tag is not null) != (request.Kind is MarkKind.Tag or MarkKind.Untag))
            throw new InvalidInputException($"{request.Kind} {(request.Tag is null ? "needs a tag" : "has no tag")}.");
    }

    public static RunView View(this RunState run, RunId id, bool leaseIsLive) => new()
    {
        Run = id,
        Head = run.Head,
        HeadStep = run.HeadStep,
        Committed = run.Committed,
        Lease = run.Lease,
        LeaseIsLive = run.Lease is not null && leaseIsLive,
        Pending = run.Pending?.Sequence,
        LastEvent = run.LastEvent,
        ChangedAt = run.Outbox.LastOrDefault()?.At,
        Tags = run.Tags,
        Pins = run.Pins,
        LastSequence = run.LastSequence,
    };

    private static bool IsHeldBy(this RunState run, Guid attempt) => run.Lease?.Attempt == attempt;

    private static bool IsTaken(this RunState run, RankProcess member) =>
        run.Ranks.TryGetValue(member.Rank.Value, out var process) && process != member.Process;

    private static bool HasTrained(this RunState run) =>
        run.LastSave > 0 || run.LeftRanks.Length > 0 || run.UnreadyRanks().Length == 0;

    /// <summary>A launcher that gives all its starts one name has started all ranks again: this is the first of them to come.</summary>
    private static bool IsRestartedBy(this RunState run, OpenRequest request) =>
        request is { NameOutlivesStarts: true, Joined: null }
        && (run.Lease!.WorldSize != request.WorldSize
            || run.LeftRanks.Contains(request.Rank.Value)
            || (run.IsTaken(request.Member) && run.HasTrained()));

    private static RunEvent Of(RunEvent happened, SnapshotView snapshot) => happened with
    {
        Token = snapshot.Order.Token,
        Sequence = snapshot.Sequence,
        Step = snapshot.Order.Plan.Step,
        Manifest = snapshot.Manifest,
        Parent = snapshot.Order.Parent?.Sequence,
    };

    private static LedgerRecord RecordOf(
        this RunState run, string kind, SnapshotView target, string actor, string reason, DateTimeOffset now) => new()
        {
            Kind = kind,
            Run = target.Run,
            Sequence = target.Sequence,
            Manifest = target.Manifest!.Value,
            Token = run.Token,
            Event = run.LastEvent + 1,
            At = now,
            Actor = actor,
            Reason = reason,
        };

    private static RunState Decide(
        this RunState run, LedgerRecord record, SnapshotView target, long ledgerSize, string detail) => run with
        {
            Unfinished = new PendingRecord(record.Encode(), ledgerSize, target.Link!, target.Order.Plan.Step, detail),
        };

    private static RunState Apply(this RunState run, LedgerRecord record, long targetStep) => record.Kind switch
    {
        RecordKind.Rollback => run with
        {
            Head = new SnapshotLink { Sequence = record.Sequence, Manifest = record.Manifest },
            HeadStep = targetStep,
        },
        RecordKind.Tag => run with { Tags = new(run.Tags) { [record.Tag!.Value.Value] = record.Sequence } },
        RecordKind.Untag => run with { Tags = run.Tags.Where(t => t.Key != record.Tag!.Value.Value).ToDictionary() },
        RecordKind.Pin => run with { Pins = [.. run.Pins.Where(p => p != record.Sequence), record.Sequence] },
        RecordKind.Repair => run,
        _ => run with { Pins = run.Pins.Where(p => p != record.Sequence).ToArray() },
    };

    /// <summary>The state with one more event, filled in as told.</summary>
    internal static RunState With(
        this RunState run, RunId id, DateTimeOffset now, RunEventKind kind, Func<RunEvent, RunEvent> fill)
    {
        var happened = fill(new RunEvent
        {
            Number = run.LastEvent + 1,
            Run = id,
            Kind = kind,
            At = now,
            Token = run.Token,
        });
        return run with { LastEvent = happened.Number, Outbox = [.. run.Outbox, happened] };
    }
}
