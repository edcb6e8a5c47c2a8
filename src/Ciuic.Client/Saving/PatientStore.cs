using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>Says that the store has been away for so long that a save is given up.</summary>
internal sealed class StoreGoneException(UnavailableException last) : Exception(last.Message, last);

/// <summary>Stores the bytes of saves, however long the store is away, and says so once each time.</summary>
internal sealed class PatientStore(RunId run, TimeProvider time, ILogger logger)
{
    private readonly Backoff _backoff = new(time);
    private long? _awaySince;
    private volatile bool _isAway;

    /// <summary>Whether the last thing heard of the store is that it is away.</summary>
    public bool IsAway => _isAway;

    /// <summary>The last thing that kept something from being stored.</summary>
    public string Problem { get; private set; } = "";

    /// <summary>Calls until the store has answered.</summary>
    /// <param name="step">The step whose save it is.</param>
    /// <param name="call">What to store; may be repeated.</param>
    /// <param name="giveUpAfter">How long the store may be away; null for ever.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="StoreGoneException">It has been away for longer.</exception>
    public async Task<T> UntilStoredAsync<T>(long step, Func<Task<T>> call, TimeSpan? giveUpAfter, CancellationToken cancel)
    {
        var answer = await _backoff.UntilAvailableAsync(call, error => IsGone(step, giveUpAfter, error), cancel);
        (_isAway, _awaySince) = (false, null);
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
        if (!_isAway)
            logger.StoreAway(run, step, error.Message);
        (_isAway, Problem) = (true, error.Message);
        _awaySince ??= time.GetTimestamp();
        if (time.GetElapsedTime(_awaySince.Value) >= giveUpAfter)
            throw new StoreGoneException(error);
    }
}
