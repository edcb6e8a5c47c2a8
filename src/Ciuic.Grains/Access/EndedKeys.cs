using Ciuic.Core;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;

namespace Ciuic.Grains;

/// <summary>
/// Which API keys the bucket says were ended, as far as this silo has been able to read it. One a silo, and read when the silo starts: an
/// activation that begins while the bucket is away or hangs finds here what was read before. Calls may come from any thread.
/// </summary>
internal sealed class EndedKeys(IObjectStore store, TimeProvider time, ILogger<EndedKeys> logger)
{
    /// <summary>Every request to the API waits with the one that looks.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Between two looks at a bucket that does not answer; one that hangs for so long is given up.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private HashSet<string>? _ids;
    private long? _lookedAt;
    private TimeSpan _pause = Pause;

    /// <summary>Whether the bucket has answered this silo ever: what it said then stays true, no key that was ended is good again.</summary>
    public bool IsKnown
    {
        get
        {
            lock (_lock)
                return _ids is not null;
        }
    }

    /// <summary>Whether a key is known to have been ended.</summary>
    public bool Contains(string id)
    {
        lock (_lock)
            return _ids?.Contains(id) == true;
    }

    /// <summary>Takes note of a key that was ended by this silo.</summary>
    public void Add(string id)
    {
        lock (_lock)
            _ids?.Add(id);
    }

    /// <summary>Reads the bucket, and waits for it for a moment; not again at once where it did not answer.</summary>
    /// <returns>Whether it has answered.</returns>
    public async Task<bool> LookAsync()
    {
        lock (_lock)
        {
            if (_lookedAt is { } before && time.GetElapsedTime(before) < _pause)
                return false;
            (_lookedAt, _pause) = (time.GetTimestamp(), Pause);
        }

        try
        {
            await ReadAsync().WaitAsync(Patience, time); // which goes on beside it
            return true;
        }
        catch (Exception error) // a silo starts, and answers, without it
        {
            if (error is not TimeoutException)
                ComeBackSoon();
            logger.EndedNotRead(error is TimeoutException ? $"{store.Location} does not answer" : error.Message);
            return false;
        }
    }

    /// <summary>A bucket that answers, though with an error, costs nobody a wait.</summary>
    private void ComeBackSoon()
    {
        lock (_lock)
            _pause = Patience;
    }

    private async Task ReadAsync()
    {
        using var limit = new CancellationTokenSource(Pause, time);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            await foreach (var found in store.ListAsync(BucketLayout.EndedKeysPrefix, limit.Token))
                ids.Add(found.Key.Path[BucketLayout.EndedKeysPrefix.Length..]);
        }
        catch (OperationCanceledException)
        {
            throw new UnavailableException($"{store.Location} does not answer");
        }

        lock (_lock)
        {
            ids.UnionWith(_ids ?? []);
            (_ids, _lookedAt) = (ids, null);
        }
    }
}
