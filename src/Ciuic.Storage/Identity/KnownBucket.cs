using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>A bucket whose identity is asked for often: it never changes, so once it was read it is not read again.</summary>
/// <param name="store">The bucket.</param>
public sealed class KnownBucket(IObjectStore store)
{
    private volatile BucketIdentity? _known;

    /// <summary>Where it is.</summary>
    public string Location => store.Location;

    /// <summary>Its identity; null where it has none yet.</summary>
    /// <exception cref="CorruptException">The object is damaged.</exception>
    /// <exception cref="UnavailableException">The bucket does not answer.</exception>
    public async Task<BucketId?> FindAsync(CancellationToken cancel) =>
        (_known ??= await BucketIdentity.FindAsync(store, cancel))?.Id;

    /// <summary>The same within a limit, for answers that must not wait for a bucket: null, too, where it does not say.</summary>
    public async Task<BucketId?> TryFindAsync(TimeSpan limit, TimeProvider time)
    {
        try
        {
            return await FindAsync(CancellationToken.None).WaitAsync(limit, time);
        }
        catch (Exception error) when (error is CiuicException or TimeoutException)
        {
            return null;
        }
    }
}
