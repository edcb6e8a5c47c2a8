using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>What this activation believes, and how far that may be trusted: another one may have written, or the database been replaced.</summary>
internal sealed partial class RunGrain
{
    /// <summary>
    /// Whether a token is the one in force. What this activation believes is compared with the database before anybody is told that he
    /// is fenced, because he will believe it for good.
    /// </summary>
    /// <exception cref="UnavailableException">
    /// Another activation has gone on, or the token is newer than any that this database has given.
    /// </exception>
    private async Task<bool> HoldsAsync(FencingToken token)
    {
        if (Run.Lease?.Token == token)
            return true;
        await RequireNewestAsync();
        return token.CompareTo(Run.Token) <= 0
            ? false
            : throw new UnavailableException(
                $"Run {Id}: the token {token} is newer than any that this silo's database knows ({Run.Token}): it is another database, or "
                + "an older copy of it.");
    }

    /// <summary>What is stored, by whichever activation: for those who read.</summary>
    private async Task<RunState> NewestAsync() => await FindNewerAsync() ?? Run;

    /// <summary>For answers that nobody asks for again: refusals, and that there is nothing to do.</summary>
    /// <exception cref="UnavailableException">Another activation has gone on: whoever asks again reaches the one after this.</exception>
    private async Task RequireNewestAsync()
    {
        if (await FindNewerAsync() is not null)
            throw this.LeftBehind();
    }

    private async Task<RunState?> FindNewerAsync()
    {
        var newer = await this.FindNewerAsync(state, StateName);
        if (newer is not null)
            Leave();
        return newer;
    }

    /// <summary>
    /// This activation ends when its last call has. Those who wait for events are sent home: they, and whoever asks the run for
    /// something meanwhile, would else wait for their patience to end. The next activation answers them.
    /// </summary>
    private void Leave()
    {
        _isLeaving = true;
        _happened.TrySetResult();
    }

    private async Task ChangeAsync(RunState next)
    {
        if (!ReferenceEquals(next, Run))
            await SaveAsync(next);
    }

    private async Task SaveAsync(RunState next)
    {
        try
        {
            await this.SaveAsync(state, Events.DropFlushed(next));
        }
        catch (UnavailableException)
        {
            Leave();
            throw;
        }

        _newestEvent = Run.LastEvent;
        _happened.TrySetResult();
        _happened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await TryFlushAsync();
    }

    /// <summary>What is stored is stored: events that a page does not take now stay in the outbox, and go with the next ones.</summary>
    private async Task TryFlushAsync()
    {
        try
        {
            await Events.FlushAsync(Run).WaitAsync(FlushPatience, time);
        }
        catch (Exception error)
        {
            logger.NotFlushed(Id, error.Message);
        }
    }
}
