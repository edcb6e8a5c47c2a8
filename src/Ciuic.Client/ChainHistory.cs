using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>Questions about runs and snapshots, and the one command that changes history by adding to it.</summary>
public sealed class ChainHistory
{
    private const int PageSize = 1_000;

    private readonly AwaitedCluster _cluster;

    internal ChainHistory(AwaitedCluster cluster) => _cluster = cluster;

    internal ChainHistory(ICoordinator coordinator)
        : this(AwaitedCluster.Of(coordinator))
    {
    }

    /// <summary>All runs, by name.</summary>
    public async Task<IReadOnlyList<RunView>> ListRunsAsync(CancellationToken cancel = default)
    {
        var views = new List<RunView>();
        foreach (var run in await (await _cluster.GetAsync(cancel)).ListRunsAsync(cancel))
        {
            if (await (await _cluster.GetAsync(cancel)).DescribeAsync(run, cancel) is { } view)
                views.Add(view);
        }

        return views;
    }

    /// <summary>What reading committed snapshots again in the background has found, in the whole cluster.</summary>
    public async Task<ScrubView> DescribeScrubAsync(CancellationToken cancel = default)
    {
        var shelves = await (await _cluster.GetAsync(cancel)).DescribeScrubsAsync(cancel);
        return new ScrubView
        {
            Rounds = shelves.Where(s => s.Snapshots > 0).Select(s => s.Rounds).DefaultIfEmpty(0).Min(),
            Snapshots = shelves.Sum(s => s.Snapshots),
            Bytes = shelves.Sum(s => s.Bytes),
            LastAt = shelves.Max(s => s.LastAt),
            Findings = [.. shelves.SelectMany(s => s.Findings).OrderBy(f => f.At)],
        };
    }

    /// <summary>One run.</summary>
    /// <exception cref="NotFoundException">There is no such run.</exception>
    public async Task<RunView> DescribeAsync(RunId run, CancellationToken cancel = default) =>
        await (await _cluster.GetAsync(cancel)).DescribeAsync(run, cancel)
        ?? throw new NotFoundException($"There is no run '{run}'. 'ciuic runs' lists them.");

    /// <summary>All events of a run, oldest first.</summary>
    public async IAsyncEnumerable<RunEvent> ReadEventsAsync(
        RunId run, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel = default)
    {
        for (var next = 1L; ;)
        {
            var page = await (await _cluster.GetAsync(cancel)).ReadEventsAsync(run, next, PageSize, cancel);
            foreach (var happened in page)
                yield return happened;
            if (page.Length < PageSize)
                yield break;
            next = page[^1].Number + 1;
        }
    }

    /// <summary>All snapshots of a run, committed or not, the newest first.</summary>
    /// <exception cref="NotFoundException">There is no such run.</exception>
    public async IAsyncEnumerable<SnapshotView> ListSnapshotsAsync(
        RunId run, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel = default)
    {
        for (var from = long.MaxValue; from > 0;)
        {
            var page = await (await _cluster.GetAsync(cancel)).ListSnapshotsAsync(run, from, PageSize, cancel);
            foreach (var view in page.Snapshots)
                yield return view;
            from = page.Next;
        }
    }

    /// <summary>Finds a snapshot by a person's reference.</summary>
    /// <exception cref="NotFoundException">There is no such run or snapshot.</exception>
    /// <exception cref="InvalidInputException">The digest prefix fits several snapshots.</exception>
    public async Task<SnapshotView> FindAsync(RunId run, SnapshotRef reference, CancellationToken cancel = default)
    {
        var view = await DescribeAsync(run, cancel);
        var sequence = reference switch
        {
            SnapshotRef.Latest => view.Head?.Sequence,
            SnapshotRef.AtSequence at => at.Sequence,
            SnapshotRef.AtStep at => await NewestAsync(run, e => e.Step == at.Step, cancel),
            SnapshotRef.Tagged with => view.Tags.TryGetValue(with.Tag.Value, out var tagged) ? tagged : null,
            SnapshotRef.WithDigest with => await OnlyAsync(run, with.Prefix, cancel),
            _ => null,
        };
        var found = sequence is null
            ? null
            : await (await _cluster.GetAsync(cancel)).GetAsync(new SnapshotId(run, sequence.Value), cancel);
        return found ?? throw new NotFoundException(
            $"Run {run} has no snapshot '{reference}'. 'ciuic ls {run}' lists them.");
    }

    /// <summary>Moves a run's chain head back to a committed snapshot; history keeps both branches.</summary>
    /// <param name="run">The run.</param>
    /// <param name="to">The snapshot to go back to.</param>
    /// <param name="reason">Why: it stays in the ledger.</param>
    /// <param name="actor">Who: it stays in the ledger.</param>
    /// <param name="fenceLiveAttempt">Whether a live attempt is fenced; otherwise it is a conflict.</param>
    /// <param name="cancel">Ends the waiting, not the rollback.</param>
    /// <exception cref="NotFoundException">There is no such committed snapshot.</exception>
    /// <exception cref="ConflictException">A live attempt holds the run.</exception>
    public async Task<RunView> RollbackAsync(
        RunId run, SnapshotRef to, string reason, string actor, bool fenceLiveAttempt, CancellationToken cancel = default)
    {
        var target = await FindAsync(run, to, cancel);
        var request = new RollbackRequest
        {
            To = target.Sequence,
            Reason = reason,
            Actor = actor,
            FenceLiveAttempt = fenceLiveAttempt,
        };
        var reply = await (await _cluster.GetAsync(cancel)).RollbackAsync(run, request, cancel);
        return reply.Outcome switch
        {
            RollbackOutcome.Done => reply.View,
            RollbackOutcome.NotFound => throw new NotFoundException(
                $"Snapshot #{target.Sequence} of run {run} is {target.State}, not committed: there is nothing to go back to."),
            _ => throw new ConflictException(
                $"Run {run} is being trained by {reply.View.Lease?.Trainer} until {reply.View.Lease?.ExpiresAt:u}. "
                + "Stop it first, or use --force to fence it."),
        };
    }

    /// <summary>Tags, untags, pins or unpins a committed snapshot; the ledger keeps who and why.</summary>
    /// <param name="run">The run.</param>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="kind">What to do.</param>
    /// <param name="tag">The tag; null for pins.</param>
    /// <param name="reason">Why: it stays in the ledger.</param>
    /// <param name="actor">Who: it stays in the ledger.</param>
    /// <param name="cancel">Ends the waiting, not the change.</param>
    /// <exception cref="NotFoundException">There is no such committed snapshot, or it does not have the tag that is to be taken from it.</exception>
    /// <exception cref="ConflictException">The run has as many tags or pins as it may.</exception>
    public async Task<SnapshotView> MarkAsync(
        RunId run,
        SnapshotRef snapshot,
        MarkKind kind,
        TagName? tag,
        string reason,
        string actor,
        CancellationToken cancel = default)
    {
        var target = await FindAsync(run, snapshot, cancel);
        if (kind == MarkKind.Untag)
            await RequireTagAsync(target, tag, cancel);
        var request = new MarkRequest
        {
            Kind = kind,
            Sequence = target.Sequence,
            Tag = tag,
            Reason = reason,
            Actor = actor,
        };
        var reply = await (await _cluster.GetAsync(cancel)).MarkAsync(run, request, cancel);
        return reply.Outcome switch
        {
            MarkOutcome.Done => target,
            MarkOutcome.NotFound => throw new NotFoundException(
                $"Snapshot #{target.Sequence} of run {run} is {target.State}, not committed: it can be neither tagged nor pinned."),
            _ => throw new ConflictException(
                $"Run {run} has {reply.View.Tags.Count} tags and {reply.View.Pins.Length} pins, as many as it may: take one away first."),
        };
    }

    /// <summary>A misspelled tag must not pass for one that was taken away.</summary>
    private async Task RequireTagAsync(SnapshotView target, TagName? tag, CancellationToken cancel)
    {
        var tags = (await DescribeAsync(target.Run, cancel)).Tags;
        if (tag is { } name && (!tags.TryGetValue(name.Value, out var tagged) || tagged != target.Sequence))
        {
            throw new NotFoundException(
                $"Snapshot #{target.Sequence} of run {target.Run} has no tag '{name}'. "
                + $"'ciuic show {target.Run}@#{target.Sequence}' shows its tags.");
        }
    }

    private async Task<Sequence?> NewestAsync(RunId run, Func<RunEvent, bool> fits, CancellationToken cancel)
    {
        Sequence? found = null;
        await foreach (var happened in ReadEventsAsync(run, cancel))
        {
            if (happened.Kind == RunEventKind.Committed && fits(happened))
                found = happened.Sequence;
        }

        return found;
    }

    private async Task<Sequence?> OnlyAsync(RunId run, string prefix, CancellationToken cancel)
    {
        var found = new List<Sequence>();
        await foreach (var happened in ReadEventsAsync(run, cancel))
        {
            var fits = happened.Manifest?.ToString().StartsWith(prefix, StringComparison.Ordinal) == true;
            if (happened.Kind == RunEventKind.Committed && fits)
                found.Add(happened.Sequence!.Value);
        }

        return found.Count <= 1
            ? found.Cast<Sequence?>().FirstOrDefault()
            : throw new InvalidInputException(
                $"'{prefix}' fits {found.Count} snapshots of run {run}: give more digits.");
    }
}
