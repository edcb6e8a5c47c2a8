using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>Says that the store has been away for so long that a save is given up.</summary>
internal sealed class StoreGoneException(UnavailableException last) : Exception(last.Message, last);

/// <summary>Stores the bytes of saves, however long the store is away, and says so once each time.</summary>
internal sealed class PatientStore(RunId run, TimeProvider time, ILogger logger)
{
    /// <summary>How often a store that is known to be away is tried, where saves can be kept elsewhere meanwhile.</summary>
    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(10);

    private readonly Backoff _backoff = new(time);
    private readonly Lock _lock = new(); // two windows of a save are stored at once
    private long? _awaySince;
    private long? _triedInVain;
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

    /// <summary>
    /// Whether it is known to be away and was tried in vain a moment ago: a save that can be kept elsewhere is not held up by another try, and
    /// the next one finds room.
    /// </summary>
    public bool IsHopeless
    {
        get
        {
            lock (_lock)
                return _awaySince is not null && _triedInVain is { } at && time.GetElapsedTime(at) < BetweenTries;
        }
    }

    /// <summary>It has taken something.</summary>
    public void Answered()
    {
        lock (_lock)
            (_awaySince, _triedInVain) = (null, null);
    }

    /// <summary>A store that is known to be away was tried in vain.</summary>
    public void TriedInVain()
    {
        lock (_lock)
            _triedInVain = time.GetTimestamp();
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
        Answered();
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
