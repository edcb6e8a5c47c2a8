using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Opens the run: at once when a silo answers, or later, when training has begun without one. Late, the head it
/// finds must be the snapshot that was restored from the bucket; otherwise saving would hide somebody's work.
/// </summary>
internal sealed class RunOpening(
    RunId run, ICoordinator coordinator, StoreFit fit, RunLease lease, TimeProvider time, ILogger logger)
{
    /// <summary>How long training waits for the silo's own look at a damaged head; it goes on unsaved after that.</summary>
    private static readonly TimeSpan ReadingPatience = TimeSpan.FromMinutes(5);

    /// <summary>Held by whoever changes what follows: the trainer's thread resumes while the delivery's commits.</summary>
    private readonly SemaphoreSlim _opening = new(1);
    private volatile bool _opened;
    private volatile SnapshotLink? _head;
    private volatile SnapshotLink? _restored;
    private bool _siloIsReading;
    private bool _aligned = true;
    private CiuicException? _refused;
    private (SnapshotLink Damaged, string Reason)? _fallback;
    private (SnapshotLink Head, string Reason)? _left;

    /// <summary>The right to write.</summary>
    public RunLease Lease => lease;

    /// <summary>The chain head: found when the run was opened, and moved by what this process commits.</summary>
    public SnapshotLink? Head => _head;

    /// <summary>The head that training goes on from: what was restored, or, from scratch, what the next snapshot is put behind.</summary>
    public SnapshotLink? ContinuesFrom => _restored;

    /// <summary>Whether a silo granted the lease.</summary>
    public bool IsOpen => _opened;

    /// <summary>Opens the run now.</summary>
    public Task OpenAsync(CancellationToken cancel) => AloneAsync(() => OpenNowAsync(cancel), cancel);

    /// <summary>Opens the run, however long no silo answers.</summary>
    public async Task OpenPatientlyAsync(CancellationToken cancel)
    {
        var silo = NewWatch();
        await new Backoff(time).UntilAvailableAsync(
            async () =>
            {
                await coordinator.ConnectAsync(cancel);
                await OpenAsync(cancel);
                return true;
            },
            silo.NotAnswered,
            cancel);
    }

    /// <summary>Opens the run again after the ranks have gone back to another head, however long no silo answers.</summary>
    /// <exception cref="FencedException">A newer attempt owns the run.</exception>
    public Task ReopenAsync(CancellationToken cancel) => AloneAsync(
        async () => _head = await new Backoff(time).UntilAvailableAsync(
            () => lease.ReplaceAsync(() => Task.CompletedTask, cancel), NewWatch().NotAnswered, cancel),
        cancel);

    /// <summary>A save of this process is committed: it is the head, and what comes next was trained from it.</summary>
    public Task MovedToAsync(SnapshotLink head) => AloneAsync(
        () =>
        {
            (_head, _restored) = (head, head);
            return Task.CompletedTask;
        },
        CancellationToken.None);

    /// <summary>
    /// Says what training went on from. After a fallback the chain head is moved there, so that history tells on what
    /// the next snapshot was trained.
    /// </summary>
    public Task ContinueFromAsync(
        SnapshotLink? restored, SnapshotLink? damagedHead, string reason, CancellationToken cancel) => AloneAsync(
        async () =>
        {
            _restored = restored;
            if (damagedHead is not null)
                _fallback = (damagedHead, reason);
            _aligned = false;
            if (!_opened)
                return;
            try
            {
                await AlignHeadAsync(cancel);
            }
            catch (UnavailableException)
            {
                // Training begins; the first save brings it to an end before anything is committed.
            }
        },
        cancel);

    /// <summary>
    /// The program goes on from another snapshot than the head: before anything else is committed the head is moved there, and the ledger
    /// says why. No save of this process may be on its way.
    /// </summary>
    /// <param name="from">What the program has loaded.</param>
    /// <param name="reason">Why, for the ledger.</param>
    /// <param name="cancel">Ends the asking.</param>
    public Task GoBackAsync(SnapshotLink from, string reason, CancellationToken cancel) => AloneAsync(
        async () =>
        {
            // Where the run is not open yet the head will be what was restored, or the opening is refused.
            _left = (Head ?? _restored) is { } left ? (left, reason) : null;
            _restored = from;
            _aligned = false;
            try
            {
                if (_opened)
                    await AlignHeadAsync(cancel);
            }
            catch (UnavailableException)
            {
                // The first save brings it to an end before anything is committed.
            }
        },
        cancel);

    /// <summary>The token to write under, opening the run first where that has not happened.</summary>
    /// <exception cref="FencedException">A newer attempt owns the run.</exception>
    /// <exception cref="ConflictException">The run has a head that this process did not restore; it will never save anything.</exception>
    public async Task<FencingToken> TokenAsync(CancellationToken cancel)
    {
        await _opening.WaitAsync(cancel);
        try
        {
            if (_refused is not null)
                throw _refused;
            if (!_opened)
                await OpenLateAsync(cancel);
            else if (!fit.IsKnown)
                await RequireFitAsync(() => fit.CheckAsync(cancel));
            await AlignHeadAsync(cancel);
            return lease.IsFenced
                ? throw new FencedException($"Run {run} belongs to a newer attempt.")
                : lease.Token!.Value;
        }
        finally
        {
            _opening.Release();
        }
    }

    private async Task OpenNowAsync(CancellationToken cancel)
    {
        await fit.CheckAsync(cancel); // before the lease: whoever does not fit must not keep others from the run
        _head = await lease.OpenAsync(cancel);
        _opened = true;
    }

    private async Task AloneAsync(Func<Task> change, CancellationToken cancel)
    {
        await _opening.WaitAsync(cancel);
        try
        {
            await change();
        }
        finally
        {
            _opening.Release();
        }
    }

    private SiloWatch NewWatch() => new(time, error => logger.NotOpenedYet(run, error.Message), () => { });

    private async Task OpenLateAsync(CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(10));
        try
        {
            await coordinator.ConnectAsync(patience.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new UnavailableException("no silo answers");
        }

        await RequireFitAsync(() => OpenNowAsync(cancel));
        _aligned = false; // whatever was restored, or nothing, it must be this head
    }

    private async Task RequireFitAsync(Func<Task> check)
    {
        try
        {
            await check();
        }
        catch (InvalidInputException error)
        {
            throw await RefuseAsync(error);
        }
    }

    private async Task AlignHeadAsync(CancellationToken cancel)
    {
        if (_aligned)
            return;
        if (Head != _restored)
            await MoveHeadAsync(cancel);
        _aligned = true;
    }

    private async Task MoveHeadAsync(CancellationToken cancel)
    {
        if (await WhyBackAsync(cancel) is not { } reason)
        {
            throw await RefuseAsync(new ConflictException(
                $"Run {run} has the head #{Head?.Sequence}, but this process went on from "
                + $"{(_restored is null ? "scratch" : $"#{_restored.Sequence}")}: nothing that it trains will be saved; restart it to resume "
                + "from the head."));
        }

        var request = new RollbackRequest
        {
            To = _restored!.Sequence,
            Reason = reason.Length <= LedgerRecord.MaxReasonLength ? reason : reason[..LedgerRecord.MaxReasonLength],
            Actor = ThisProcess.Identity.ToString(),
            FenceLiveAttempt = true, // our own; we take the next token right away
            Token = lease.Token,
            From = Head,
            FromIsDamaged = _fallback?.Damaged == Head,
        };
        await RollBackPatientlyAsync(request, cancel);
        if (Head != _restored)
            await MoveHeadAsync(cancel);
    }

    /// <summary>The silo reads a head that is called damaged itself: as long as it takes, and longer nobody waits for it.</summary>
    private async Task RollBackPatientlyAsync(RollbackRequest request, CancellationToken cancel)
    {
        var begin = time.GetTimestamp();
        while (true)
        {
            _siloIsReading = false;
            try
            {
                _head = await lease.ReplaceAsync(() => RollBackAsync(request, cancel), cancel);
                return;
            }
            catch (UnavailableException) when (_siloIsReading && time.GetElapsedTime(begin) < ReadingPatience)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), time, cancel);
            }
            catch (ConflictException error)
            {
                throw await RefuseAsync(error);
            }
        }
    }

    /// <summary>
    /// Why the head may be moved back to what was restored: it is damaged, or the program says that it goes on from there, or it is of the
    /// very attempt that this one goes on from, committed after this one had looked into the bucket without a silo. Another attempt's work
    /// is never hidden.
    /// </summary>
    private async Task<string?> WhyBackAsync(CancellationToken cancel)
    {
        if (_restored is not { } restored || Head is not { } head)
            return null;
        if (_fallback is { } fallback && fallback.Damaged == head)
            return fallback.Reason;
        if (_left is { } left && left.Head == head)
            return left.Reason;
        var before = await coordinator.GetAsync(new SnapshotId(run, restored.Sequence), cancel);
        var now = await coordinator.GetAsync(new SnapshotId(run, head.Sequence), cancel);
        return before is not null && before.Order.Token == now?.Order.Token
            ? $"training went on from #{restored.Sequence}, restored without a silo, before #{head.Sequence} of the attempt before was committed"
            : null;
    }

    private async Task RollBackAsync(RollbackRequest request, CancellationToken cancel)
    {
        var reply = await coordinator.RollbackAsync(run, request, cancel);
        if (reply.Outcome == RollbackOutcome.Done)
            return;
        if (reply.Outcome == RollbackOutcome.Reading)
        {
            (_siloIsReading, var head) = (true, request.From!.Sequence);
            lease.Keep();
            throw new UnavailableException($"Run {run}: the silo reads #{head} itself before its head moves back to #{request.To}; ask again.");
        }

        if (reply.Outcome == RollbackOutcome.Whole)
            throw Refuted(request);
        lease.MarkFenced();
        throw reply.Outcome == RollbackOutcome.Fenced
            ? new FencedException($"Run {run} was taken over by a newer attempt, or has gone on, while this one fell back; it can save nothing any more.")
            : new ConflictException($"Run {run} cannot go back to #{request.To}: {reply.Outcome}.");
    }

    private ConflictException Refuted(RollbackRequest request) => new(
        $"Run {run}: the silo reads #{request.From!.Sequence} whole; it is the store as this process sees it that shows it damaged: "
        + $"{request.Reason}. The head stays, and nothing that is trained from #{request.To} will be saved here. Look whether this machine sees "
        + "the same bucket as the silo (another copy, an old mount, a proxy), then start again.");

    /// <summary>Whoever resumes from the head must be able to: the lease is given back.</summary>
    private async Task<CiuicException> RefuseAsync(CiuicException why)
    {
        _refused = why;
        logger.NothingIsSaved(run, why.Message);
        await lease.GiveBackAsync();
        return why;
    }
}
