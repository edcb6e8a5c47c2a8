using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Grains;

/// <summary>What this activation believes, and how far that may be trusted: another one may have written, or the database been replaced.</summary>
internal sealed partial class RunGrain
{
    /// <summary>
    /// A number that left a trace in the bucket was given by a database that knew of it. Where this one does not, it was lost
    /// or restored from an older backup: numbers and tokens would be given twice, and history would contradict itself for
    /// ever. Looked at once for each activation, before anything is decided.
    /// </summary>
    private async Task RequireNotBehindAsync()
    {
        if (_comparedWithBucket)
            return;
        await foreach (var found in store.ListAsync(BucketLayout.RunPrefix(Id), CancellationToken.None))
        {
            if (BucketLayout.SequenceOf(found.Key) is not { } sequence || sequence.Value <= Run.LastSequence)
                continue;
            await RequireNewestAsync(); // another activation may have given it
            throw new ConflictException(Run.LastEvent == 0
                ? $"Run {Id} has snapshots in {store.Location} ({found.Key}) and is unknown to this silo's database: the database "
                    + "was lost or is another one. 'ciuic rebuild' brings the run back from the bucket."
                : $"Run {Id} has a snapshot #{sequence} in {store.Location}, but this silo's database knows {Run.LastSequence} only: it was "
                    + "restored from an older backup. Start the silo with an empty database and let 'ciuic rebuild' fill it.");
        }

        _comparedWithBucket = true;
    }

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
