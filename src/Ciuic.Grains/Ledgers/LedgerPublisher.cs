using Ciuic.Core;
using Ciuic.Snapshots;
using Microsoft.Extensions.Logging;

namespace Ciuic.Grains;

/// <summary>
/// Publishes tree heads beside the appends: at an interval, and ever more slowly while the quorum is missing. Commits
/// never wait for it. Used on one grain's scheduler only.
/// </summary>
internal sealed class LedgerPublisher(
    LedgerBucket bucket,
    LedgerTrust trust,
    Func<Task<LedgerWriter>> writer,
    Action<TimeSpan> keepAlive,
    LedgerOptions options,
    Draining draining,
    TimeProvider time,
    ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    private readonly Cosigners _cosigners = new(trust.Policy, trust.Witnesses);
    private readonly SemaphoreSlim _one = new(1);
    private readonly CancellationTokenSource _stopping = new();
    private Task _worker = Task.CompletedTask;
    private TaskCompletionSource _advanced = NewSignal();
    private long _publishedSize = -1;

    /// <summary>Blocks that a published tree head with the quorum's cosignatures covers.</summary>
    public long FinalSize { get; private set; }

    /// <summary>Why the newest blocks are not published; null where they are, or will be in a moment.</summary>
    public string? Problem { get; private set; }

    /// <summary>How far each witness is.</summary>
    public IReadOnlyList<WitnessLag> Lags => _cosigners.Lags;

    /// <summary>
    /// Takes note of the tree head found in the bucket. What it covers is final; it is published once more all the same,
    /// because that derives what is missing.
    /// </summary>
    public void Found(SignedTreeHead? published)
    {
        if (published is not null && published.Head.Size > FinalSize && _cosigners.Suffice(published))
            FinalSize = published.Head.Size;
    }

    /// <summary>Takes note that there are new blocks.</summary>
    public void Announce()
    {
        if (_worker.IsCompleted)
            _worker = PublishLaterAsync();
    }

    /// <summary>Publishes now, unless the published tree head covers the size already.</summary>
    /// <exception cref="UnavailableException">The quorum has not cosigned.</exception>
    public async Task PublishAsync(long size)
    {
        await _one.WaitAsync(_stopping.Token);
        try
        {
            if (_publishedSize < size)
                await PublishOnceAsync();
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Waits for a published tree head that covers a block; no longer where the silo is about to end.</summary>
    public async Task<bool> WaitAsync(long height, TimeSpan patience)
    {
        var begin = time.GetTimestamp();
        while (FinalSize <= height && patience - time.GetElapsedTime(begin) is var left && left > TimeSpan.Zero)
        {
            Announce();
            await draining.WaitAsync(_advanced.Task, left, time);
            if (draining.Begun.IsCompleted)
                break;
        }

        return FinalSize > height;
    }

    /// <summary>Stops; what is not published yet will be by the next activation.</summary>
    public async Task StopAsync(CancellationToken cancel)
    {
        await _stopping.CancelAsync();
        await _worker.WaitAsync(cancel).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    private async Task PublishLaterAsync()
    {
        var (pause, failures) = (options.PublishInterval, 0);
        while (await PauseAsync(pause))
        {
            // Calls alone would not keep an idle ledger's activation, and nobody else tries.
            keepAlive(options.MaxPublishPause + TimeSpan.FromMinutes(1));
            var outcome = await TryPublishAsync();
            if (outcome == Outcome.Done)
                return;
            failures = outcome == Outcome.Failed ? failures + 1 : 0;
            pause = failures == 0 ? options.PublishInterval : PauseAfter(failures);
            if (failures > 0)
                logger.PublishDelayed(bucket.Name, Problem!, pause);
        }
    }

    private TimeSpan PauseAfter(int failures)
    {
        var pause = FirstPause * Math.Pow(2, Math.Min(failures - 1, 20));
        return pause < options.MaxPublishPause ? pause : options.MaxPublishPause;
    }

    private async Task<bool> PauseAsync(TimeSpan pause)
    {
        await Task.Delay(pause, time, _stopping.Token).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        return !_stopping.IsCancellationRequested;
    }

    private async Task<Outcome> TryPublishAsync()
    {
        try
        {
            await PublishAsync((await writer()).Tip.Size);
            // Blocks that came meanwhile have been announced to a worker that was busy: go on for them.
            return (await writer()).Tip.Size == _publishedSize ? Outcome.Done : Outcome.MoreToPublish;
        }
        catch (OperationCanceledException)
        {
            return Outcome.Done;
        }
        catch (Exception error)
        {
            Problem = error.Message;
            if (error is not (CorruptException or ConflictException))
                return Outcome.Failed;
            logger.PublishStopped(bucket.Name, error.Message); // trying again cannot help where history itself is wrong
            return Outcome.Done;
        }
    }

    private async Task PublishOnceAsync()
    {
        var head = await new TreePublisher(bucket, _cosigners).PublishAsync(await writer(), _stopping.Token);
        await RememberAsync(head); // before anybody is told of it
        _publishedSize = head.Head.Size;
        Found(head);
        Problem = null;
        var advanced = _advanced;
        _advanced = NewSignal();
        advanced.SetResult();
    }

    /// <summary>Without it a rollback of the bucket may go unnoticed after a restart; what is published is published.</summary>
    private async Task RememberAsync(SignedTreeHead head)
    {
        try
        {
            if (trust.Accepted is not null)
                await trust.Accepted.RememberAsync(bucket, (await writer()).Tip.Keys.TreeHead, head, _stopping.Token);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            logger.NotRemembered(bucket.Name, error.Message);
        }
    }

    private enum Outcome
    {
        Done,
        MoreToPublish,
        Failed,
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
