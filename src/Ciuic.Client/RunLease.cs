using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>This attempt's right to write to its run: takes it, keeps it alive, gives it back.</summary>
internal sealed class RunLease(
    RunId run, ICoordinator coordinator, ClientOptions options, RankPlace place, TimeProvider time, ILogger logger)
    : IAsyncDisposable
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(1);

    /// <summary>How long closing waits for somebody to hear that the lease is given back; it runs out by itself.</summary>
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _ending = new();
    private readonly SiloWatch _silo = new(time, error => logger.NotRenewed(run, error.Message), () => logger.RenewedAgain(run));
    private Task _renewing = Task.CompletedTask;
    private Task _returning = Task.CompletedTask;
    private volatile bool _isBeingReplaced;
    private volatile bool _isFenced;
    private volatile Held? _held;
    private FencingToken? _joined;

    /// <summary>The right; null before the lease was granted.</summary>
    public FencingToken? Token => _held?.Token;

    /// <summary>Whether a newer attempt owns the run.</summary>
    public bool IsFenced => _isFenced;

    /// <summary>Asks once for the lease, waiting or taking over as the options say.</summary>
    /// <returns>The chain head.</returns>
    /// <exception cref="ConflictException">Another attempt holds it and the options say to refuse.</exception>
    /// <exception cref="FencedException">This process held it before, and a newer start has come.</exception>
    /// <exception cref="UnavailableException">No silo answers.</exception>
    public async Task<SnapshotLink?> OpenAsync(CancellationToken cancel)
    {
        FencingToken? takeOverFrom = null;
        var isHeld = false;
        while (true)
        {
            var request = new OpenRequest
            {
                Attempt = place.Attempt,
                Trainer = ThisProcess.Identity,
                TakeOverFrom = takeOverFrom,
                Rank = place.Rank,
                WorldSize = place.WorldSize,
                Process = place.Process,
                Joined = _joined,
                NameOutlivesStarts = place.NameOutlivesStarts,
            };
            var reply = await AskAsync(request, isHeld, cancel);
            if (reply is { Granted: true })
            {
                Hold(reply);
                return reply.Head;
            }

            if (reply?.Misfit is { } misfit)
                throw new ConflictException($"Run {run}: this process cannot join the attempt that it names: {misfit}.");
            if (reply is { IsOver: true })
            {
                MarkFenced();
                throw new FencedException($"Run {run} belongs to a newer attempt; the one that this process began with is over.");
            }

            isHeld = true;
            takeOverFrom = reply is null ? takeOverFrom : Decide(reply.Lease);
            if (reply is null || takeOverFrom is null)
                await Task.Delay(AskAgain, time, cancel);
        }
    }

    /// <summary>Does what ends the lease, such as a rollback of our own, and takes the next one.</summary>
    /// <returns>The chain head.</returns>
    public async Task<SnapshotLink?> ReplaceAsync(Func<Task> end, CancellationToken cancel)
    {
        // Until the next one is granted: a renewal in between would be told that we are fenced, by ourselves.
        _isBeingReplaced = true;
        await end();
        return await OpenAsync(cancel);
    }

    /// <summary>What was to end the lease was not done after all: it is kept alive as before.</summary>
    public void Keep() => _isBeingReplaced = false;

    /// <summary>Gives the lease back and renews it no more: this process has no use for it.</summary>
    public async Task GiveBackAsync()
    {
        await _ending.CancelAsync();
        await _renewing;
        await _returning;
        if (_held is not { } held || IsFenced)
            return;
        _held = null;
        await CloseAsync(held.Token);
    }

    /// <summary>Takes note that a newer attempt owns the run.</summary>
    public void MarkFenced()
    {
        if (!IsFenced)
            logger.Fenced(run);
        _isFenced = true;
    }

    public async ValueTask DisposeAsync() => await GiveBackAsync();

    /// <summary>One that is known to be held is not trained without a silo: whoever holds it may be training.</summary>
    private async Task<OpenReply?> AskAsync(OpenRequest request, bool isHeld, CancellationToken cancel)
    {
        var opening = AskOnceAsync(request, cancel);
        try
        {
            return await opening.WaitAsync(cancel);
        }
        catch (UnavailableException error) when (isHeld)
        {
            _silo.NotAnswered(error);
            return null;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            _returning = GiveBackLateAsync(opening, request);
            throw;
        }
    }

    private async Task<OpenReply> AskOnceAsync(OpenRequest request, CancellationToken cancel) => await coordinator.OpenAsync(run, request, cancel);

    /// <summary>
    /// The question was on its way when it was cancelled: the lease may be granted to nobody then, and keep others out until it runs out.
    /// Asked again by the same attempt it is the same lease, which can be given back.
    /// </summary>
    private async Task GiveBackLateAsync(Task<OpenReply> opening, OpenRequest request)
    {
        try
        {
            using var deadline = new CancellationTokenSource(ClosePatience, time);
            await ((Task)opening).WaitAsync(deadline.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var reply = opening.IsCompletedSuccessfully
                ? await opening
                : await coordinator.OpenAsync(run, request with { TakeOverFrom = null }, deadline.Token).WaitAsync(deadline.Token);
            if (reply.Granted)
                await CloseAsync(reply.Lease.Token);
        }
        catch (Exception error) when (error is CiuicException or OperationCanceledException)
        {
            // Nobody answers: it expires by itself.
        }
    }

    private async Task CloseAsync(FencingToken token)
    {
        try
        {
            using var deadline = new CancellationTokenSource(ClosePatience, time);
            await coordinator.CloseAsync(run, token, place.Member, deadline.Token).WaitAsync(deadline.Token);
        }
        catch (Exception error) when (error is CiuicException or OperationCanceledException)
        {
            // It expires by itself.
        }
    }

    private void Hold(OpenReply reply)
    {
        _joined = reply.Lease.Token;
        _held = new Held(reply.Lease.Token);
        _silo.Answered();
        (_isFenced, _isBeingReplaced) = (false, false);
        if (_ending.IsCancellationRequested)
            return;
        if (_renewing.IsCompleted)
            _renewing = RenewAsync(reply.RenewEvery);
    }

    private FencingToken? Decide(Lease held)
    {
        // One of this very process that is closed could not say so to any silo.
        var isOurs = held.Trainer == ThisProcess.Identity;
        if (ThisProcess.IsGone(held.Trainer) || (isOurs && !LiveRuns.Has(held.Attempt)))
        {
            logger.HolderGone(run, held.Trainer);
            return held.Token;
        }

        return options.WhenLeased switch
        {
            WhenLeased.TakeOver => held.Token,
            WhenLeased.Wait => null,
            _ when isOurs => throw new ConflictException(
                $"Run {run} is open already, in this very process ({held.Trainer}): close it before it is opened again."),
            _ => throw new ConflictException(
                $"Run {run} is being trained by {held.Trainer} (attempt {held.Attempt}, token {held.Token}) until "
                + $"{held.ExpiresAt:u}. Stop it, wait, or set Ciuic:Client:WhenLeased to Wait or TakeOver."),
        };
    }

    private async Task RenewAsync(TimeSpan every)
    {
        try
        {
            while (!IsFenced)
            {
                await Task.Delay(every, time, _ending.Token);
                await RenewOnceAsync();
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The run ends.
        }
    }

    private async Task RenewOnceAsync()
    {
        if (_isBeingReplaced || Token is not { } token)
            return;
        try
        {
            var reply = await coordinator.RenewAsync(run, token, _ending.Token);
            _silo.Answered();
            if (reply == LeaseReply.Fenced && !_isBeingReplaced && Token == token)
                MarkFenced();
        }
        catch (UnavailableException error)
        {
            _silo.NotAnswered(error);
        }
        catch (Exception error) when (!_ending.IsCancellationRequested)
        {
            logger.RenewalFailed(run, ExitCode.Reason(error)); // the next one may do better
        }
    }

    /// <summary>The right, in one piece for all threads.</summary>
    private sealed record Held(FencingToken Token);
}
