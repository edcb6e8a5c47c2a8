using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>
/// What a run does next, without doing it: state and command in, next state out. No clock, no I/O.
/// </summary>
internal static class RunDecisions
{
    public static bool LeaseIsLive(this RunState run, DateTimeOffset now) => run.Lease?.ExpiresAt > now;

    /// <summary>Whether the asker gets the lease.</summary>
    public static bool MayOpen(this RunState run, OpenRequest request, DateTimeOffset now) =>
        !run.LeaseIsLive(now)
        || run.Lease!.Attempt == request.Attempt
        || run.Lease.Token == request.TakeOverFrom;

    /// <summary>The same attempt keeps its token: its first answer may have been lost.</summary>
    public static RunState Open(this RunState run, RunId id, OpenRequest request, DateTimeOffset now, TimeSpan duration)
    {
        if (run.Lease is { } held && held.Attempt == request.Attempt)
            return run with { Lease = held with { ExpiresAt = now + duration } };
        var token = run.Token.Next();
        var lease = new Lease
        {
            Attempt = request.Attempt,
            Token = token,
            Trainer = request.Trainer,
            ExpiresAt = now + duration,
        };
        return (run with { Token = token, Lease = lease })
            .With(id, now, RunEventKind.Opened, e => e with { Detail = request.Trainer.ToString() });
    }

    public static RunState Renew(this RunState run, DateTimeOffset now, TimeSpan duration) =>
        run with { Lease = run.Lease! with { ExpiresAt = now + duration } };

    public static RunState Close(this RunState run, RunId id, DateTimeOffset now) =>
        (run with { Lease = null }).With(id, now, RunEventKind.Closed, e => e);

    public static RunState Begin(this RunState run, RunId id, SnapshotPlan plan, DateTimeOffset now)
    {
        var sequence = new Sequence(run.LastSequence + 1);
        var order = new SnapshotOrder { Plan = plan, Token = run.Token, Parent = run.Head, CreatedAt = now };
        return (run with { LastSequence = sequence.Value, Pending = new PendingSnapshot(sequence, order) })
            .With(id, now, RunEventKind.Begun, e => e with
            {
                Sequence = sequence,
                Step = plan.Step,
                Parent = run.Head?.Sequence,
            });
    }

    /// <summary>Takes in how the snapshot in flight ended; anything else is old news.</summary>
    public static RunState End(this RunState run, SnapshotView snapshot, DateTimeOffset now)
    {
        if (run.Pending?.Sequence != snapshot.Sequence)
            return run;
        var ended = run with { Pending = null };
        var committed = snapshot.Link is not null;
        if (committed)
        {
            ended = ended with
            {
                Head = snapshot.Link,
                HeadStep = snapshot.Order.Plan.Step,
                Committed = run.Committed + 1,
            };
        }

        var kind = committed ? RunEventKind.Committed : RunEventKind.Aborted;
        return ended.With(snapshot.Run, now, kind, e => e with
        {
            Token = snapshot.Order.Token,
            Sequence = snapshot.Sequence,
            Step = snapshot.Order.Plan.Step,
            Manifest = snapshot.Manifest,
            Parent = snapshot.Order.Parent?.Sequence,
            Detail = snapshot.Reason,
        });
    }

    /// <summary>Decides a rollback: whoever trains now is fenced, and the ledger will say why.</summary>
    public static RunState DecideRollback(
        this RunState run, SnapshotView target, RollbackRequest request, long ledgerSize, DateTimeOffset now)
    {
        var token = run.Token.Next();
        var record = new LedgerRecord
        {
            Kind = RecordKind.Rollback,
            Run = target.Run,
            Sequence = target.Sequence,
            Manifest = target.Manifest!.Value,
            Token = token,
            Event = run.LastEvent + 1,
            At = now,
            Actor = request.Actor,
            Reason = request.Reason,
        };
        var detail = $"{request.Actor}: {request.Reason}";
        return run with
        {
            Token = token,
            Lease = null,
            Rollback = new PendingRollback(
                record.Encode(), ledgerSize, target.Link!, target.Order.Plan.Step, detail),
        };
    }

    public static RunState FinishRollback(this RunState run, RunId id, DateTimeOffset now)
    {
        var rollback = run.Rollback!;
        return (run with { Rollback = null, Head = rollback.Target, HeadStep = rollback.TargetStep })
            .With(id, now, RunEventKind.RolledBack, e => e with
            {
                Sequence = rollback.Target.Sequence,
                Step = rollback.TargetStep,
                Manifest = rollback.Target.Manifest,
                Detail = rollback.Detail,
            });
    }

    public static RunView View(this RunState run, RunId id, DateTimeOffset now) => new()
    {
        Run = id,
        Head = run.Head,
        HeadStep = run.HeadStep,
        Committed = run.Committed,
        Lease = run.Lease,
        LeaseIsLive = run.LeaseIsLive(now),
        Pending = run.Pending?.Sequence,
        LastEvent = run.LastEvent,
        ChangedAt = run.Outbox.LastOrDefault()?.At,
    };

    private static RunState With(
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
