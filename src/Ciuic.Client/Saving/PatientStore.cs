using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>Stores the bytes of saves, however long the store is away, and says so once each time.</summary>
internal sealed class PatientStore(RunId run, TimeProvider time, ILogger logger)
{
    private readonly Backoff _backoff = new(time);
    private volatile bool _isAway;

    /// <summary>Whether the last thing heard of the store is that it is away.</summary>
    public bool IsAway => _isAway;

    /// <summary>Calls until the store has answered.</summary>
    /// <param name="step">The step whose save it is.</param>
    /// <param name="call">What to store; may be repeated.</param>
    /// <param name="cancel">Ends the waiting.</param>
    public async Task<T> UntilStoredAsync<T>(long step, Func<Task<T>> call, CancellationToken cancel)
    {
        var answer = await _backoff.UntilAvailableAsync(call, error => IsGone(step, error), cancel);
        _isAway = false;
        return answer;
    }

    /// <inheritdoc cref="UntilStoredAsync{T}(long, Func{Task{T}}, CancellationToken)"/>
    public Task UntilStoredAsync(long step, Func<Task> call, CancellationToken cancel) => UntilStoredAsync(
        step,
        async () =>
        {
            await call();
            return true;
        },
        cancel);

    private void IsGone(long step, UnavailableException error)
    {
        if (!_isAway)
            logger.StoreAway(run, step, error.Message);
        _isAway = true;
    }
}
