using Ciuic.Core;

namespace Ciuic.Silo;

/// <summary>
/// Something that a silo cannot work without, tried when somebody asks, but not while it is being tried, and not again for a while:
/// whatever hangs is waited for once, however many ask.
/// </summary>
/// <param name="name">What it is called in an answer.</param>
/// <param name="probe">Tries it; throws where it does not work.</param>
/// <param name="options">How long an answer is good, and how long a try may take.</param>
/// <param name="time">The clock.</param>
internal sealed class WatchedPart(string name, Func<CancellationToken, Task> probe, SiloOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();
    private Task<string?>? _try;
    private long _begun;

    /// <summary>What is wrong with it; null where it works.</summary>
    public async Task<string?> ProblemAsync()
    {
        try
        {
            return await Latest().WaitAsync(options.HealthTimeout, time);
        }
        catch (TimeoutException)
        {
            return Silent; // the probe does not heed its token: the same try is waited for again
        }
    }

    private string Silent => $"{name}: no answer within {options.HealthTimeout.TotalSeconds:0.#} s";

    private Task<string?> Latest()
    {
        lock (_lock)
        {
            if (_try is null || (_try.IsCompleted && time.GetElapsedTime(_begun) >= options.HealthInterval))
                (_begun, _try) = (time.GetTimestamp(), Task.Run(TryAsync));
            return _try;
        }
    }

    private async Task<string?> TryAsync()
    {
        using var limit = new CancellationTokenSource(options.HealthTimeout, time);
        try
        {
            await probe(limit.Token);
            return null;
        }
        catch (Exception) when (limit.IsCancellationRequested)
        {
            return Silent;
        }
        catch (Exception error)
        {
            return $"{name}: {ExitCode.Reason(error)}";
        }
    }
}
