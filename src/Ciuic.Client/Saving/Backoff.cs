using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>Repeats what is unavailable, ever more slowly, until it answers or the run ends.</summary>
internal sealed class Backoff(TimeProvider time)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(5);

    /// <summary>Calls until the answer is something other than <see cref="UnavailableException"/>.</summary>
    public async Task<T> UntilAvailableAsync<T>(
        Func<Task<T>> call, Action<UnavailableException> onFailure, CancellationToken cancel)
    {
        for (var delay = FirstDelay; ; delay = delay * 2 < MaxDelay ? delay * 2 : MaxDelay)
        {
            try
            {
                return await call();
            }
            catch (UnavailableException error)
            {
                onFailure(error);
                await Task.Delay(delay, time, cancel);
            }
        }
    }
}
