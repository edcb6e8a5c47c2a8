using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>This attempt's right to write to its run: takes it, keeps it alive, gives it back.</summary>
internal sealed class RunLease(
    RunId run, ICoordinator coordinator, ClientOptions options, Guid attempt, TimeProvider time, ILogger logger)
    : IAsyncDisposable
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _ending = new();
    private Task _renewing = Task.CompletedTask;

    /// <summary>The right; null before the lease was granted.</summary>
    public FencingToken? Token { get; private set; }

    /// <summary>Whether a newer attempt owns the run.</summary>
    public bool IsFenced { get; private set; }

    /// <summary>Asks once for the lease, waiting or taking over as the options say.</summary>
    /// <returns>The chain head.</returns>
    /// <exception cref="ConflictException">Another attempt holds it and the options say to refuse.</exception>
    /// <exception cref="UnavailableException">No silo answers.</exception>
    public async Task<SnapshotLink?> OpenAsync(CancellationToken cancel)
    {
        FencingToken? takeOverFrom = null;
        while (true)
        {
            var request = new OpenRequest
            {
                Attempt = attempt,
                Trainer = ThisProcess.Identity,
                TakeOverFrom = takeOverFrom,
            };
            var reply = await coordinator.OpenAsync(run, request, cancel);
            if (reply.Granted)
            {
                Hold(reply);
                return reply.Head;
            }

            takeOverFrom = Decide(reply.Lease);
            if (takeOverFrom is null)
                await Task.Delay(AskAgain, time, cancel);
        }
    }

    /// <summary>Takes note that a newer attempt owns the run.</summary>
    public void MarkFenced()
    {
        if (!IsFenced)
            logger.Fenced(run);
        IsFenced = true;
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _renewing;
        if (Token is not { } token || IsFenced)
            return;
        try
        {
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            await coordinator.CloseAsync(run, token, deadline.Token);
        }
        catch (Exception error) when (error is CiuicException or OperationCanceledException)
        {
            // It expires by itself.
        }
    }

    private void Hold(OpenReply reply)
    {
        Token = reply.Lease.Token;
        if (_renewing.IsCompleted)
            _renewing = RenewAsync(reply.RenewEvery);
    }

    private FencingToken? Decide(Lease held)
    {
        if (ThisProcess.IsGone(held.Trainer))
        {
            logger.HolderGone(run, held.Trainer);
            return held.Token;
        }

        return options.WhenLeased switch
        {
            WhenLeased.TakeOver => held.Token,
            WhenLeased.Wait => null,
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
        catch (OperationCanceledException)
        {
            // The run ends.
        }
    }

    private async Task RenewOnceAsync()
    {
        try
        {
            if (await coordinator.RenewAsync(run, Token!.Value, _ending.Token) == LeaseReply.Fenced)
                MarkFenced();
        }
        catch (UnavailableException error)
        {
            logger.SiloAway(run, 0, error.Message);
        }
    }
}
