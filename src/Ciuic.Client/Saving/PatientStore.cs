using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>Says that the store has been away for so long that a save is given up.</summary>
internal sealed class StoreGoneException(UnavailableException last) : Exception(last.Message, last);

/// <summary>Stores the bytes of saves, however long the store is away, and says so once each time.</summary>
internal sealed class PatientStore(RunId run, TimeProvider time, ILogger logger)
{
    private readonly Backoff _backoff = new(time);
    private readonly Lock _lock = new(); // two windows of a save are stored at once
    private long? _awaySince;
    private string _problem = "";

    /// <summary>Whether the last thing heard of the store is that it is away.</summary>
    public bool IsAway
    {
        get
        {
            lock (_lock)
                return _awaySince is not null;
        }
    }

    /// <summary>The last thing that kept something from being stored.</summary>
    public string Problem
    {
        get
        {
            lock (_lock)
                return _problem;
        }
    }

    /// <summary>Calls until the store has answered.</summary>
    /// <param name="step">The step whose save it is.</param>
    /// <param name="call">What to store; may be repeated.</param>
    /// <param name="giveUpAfter">How long the store may be away; null for ever.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="StoreGoneException">It has been away for longer.</exception>
    public async Task<T> UntilStoredAsync<T>(long step, Func<Task<T>> call, TimeSpan? giveUpAfter, CancellationToken cancel)
    {
        var answer = await _backoff.UntilAvailableAsync(call, error => IsGone(step, giveUpAfter, error), cancel);
        lock (_lock)
            _awaySince = null;
        return answer;
    }

    /// <summary>Calls until the store has answered, however long that takes.</summary>
    public Task UntilStoredAsync(long step, Func<Task> call, CancellationToken cancel) => UntilStoredAsync(
        step,
        async () =>
        {
            await call();
            return true;
        },
        giveUpAfter: null,
        cancel);

    private void IsGone(long step, TimeSpan? giveUpAfter, UnavailableException error)
    {
        bool isNews;
        TimeSpan away;
        lock (_lock)
        {
            isNews = _awaySince is null;
            var since = _awaySince ??= time.GetTimestamp();
            (away, _problem) = (time.GetElapsedTime(since), error.Message);
        }

        if (isNews)
            logger.StoreAway(run, step, error.Message);
        if (away >= giveUpAfter)
            throw new StoreGoneException(error);
    }
}
