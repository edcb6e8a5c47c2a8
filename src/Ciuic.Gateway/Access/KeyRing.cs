using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Gateway;

/// <summary>
/// The cluster's keys, asked for again when they are older than a few seconds. One that is not among them may have been made a moment ago:
/// whoever shows it waits for the next look, and there are five of those a second at most, so that a stranger who tries keys costs
/// the cluster nothing.
/// </summary>
internal sealed class KeyRing(Func<Task<AccessView>> read, TimeSpan goodFor, TimeProvider time)
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(200);

    private readonly SemaphoreSlim _reading = new(1);
    private volatile Known? _known;

    /// <summary>Secret of the receipts.</summary>
    public async Task<byte[]> ReceiptSecretAsync() => (_known ?? await LookAsync(0)).View.ReceiptSecret;

    /// <summary>What is known of a key; null where it is none of ours, or not good any more.</summary>
    /// <exception cref="UnavailableException">The cluster does not answer.</exception>
    public async Task<ApiKeyRecord?> FindAsync(ApiKey key)
    {
        var now = time.GetTimestamp();
        var known = _known is { } recent && time.GetElapsedTime(recent.At, now) < goodFor ? recent : await LookAsync(now);
        var found = Among(known.View, key) ?? Among((await LookAsync(now)).View, key);
        return found is { RevokedAt: null } && !(found.ExpiresAt <= time.GetUtcNow()) ? found : null;
    }

    private static ApiKeyRecord? Among(AccessView view, ApiKey key)
    {
        var record = Array.Find(view.Keys, k => k.Id == key.Id);
        return record is not null && key.Fits(record.Hash) ? record : null;
    }

    /// <summary>What was read at this time or later.</summary>
    private async Task<Known> LookAsync(long since)
    {
        await _reading.WaitAsync();
        try
        {
            if (_known is { } known)
            {
                if (known.At >= since)
                    return known;
                if (BetweenLooks - time.GetElapsedTime(known.At) is { Ticks: > 0 } wait)
                    await Task.Delay(wait, time);
            }

            var at = time.GetTimestamp();
            return _known = new Known(await read(), at);
        }
        finally
        {
            _reading.Release();
        }
    }

    private sealed record Known(AccessView View, long At);
}
