using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>
/// Tries what every commit rests on, with an object of its own: that it is read back as it was written, and that of two creators one
/// wins. A store can lose that while it is used, so it is tried again from time to time.
/// </summary>
public static class CreateProbe
{
    private static readonly TimeSpan CleaningTime = TimeSpan.FromSeconds(10);

    /// <summary>Creates an object twice, reads it back and deletes it.</summary>
    /// <param name="store">The store.</param>
    /// <param name="time">Makes names that nobody else has.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="UnavailableException">The store does not answer, or takes nothing.</exception>
    /// <exception cref="CorruptException">It damages what it takes, or lets both creators win.</exception>
    public static async Task RunAsync(IObjectStore store, TimeProvider time, CancellationToken cancel)
    {
        var id = Guid.CreateVersion7(time.GetUtcNow());
        var (key, content) = (new ObjectKey($"probe/{id:N}"), id.ToByteArray());
        try
        {
            await store.CreateAsync(key, content, cancel);
            if (!(await store.GetAsync(key, cancel)).AsSpan().SequenceEqual(content))
                throw new CorruptException($"{store.Location}: {key} is not read back as it was written.");
            if (await store.CreateAsync(key, new byte[] { 1 }, cancel) == CreateResult.Created)
            {
                throw new CorruptException(
                    $"{store.Location}: of two creators of {key} both have won. History is not safe there: is versioning switched on for the bucket?");
            }
        }
        finally
        {
            // After an unknown outcome, too: it may have landed. By a token of its own, because the other one may have brought us here.
            using var limit = new CancellationTokenSource(CleaningTime, time);
            await TryDeleteAsync(store, key, limit.Token);
        }
    }

    private static async Task TryDeleteAsync(IObjectStore store, ObjectKey key, CancellationToken cancel)
    {
        try
        {
            await store.DeleteAsync(key, cancel);
        }
        catch (Exception error) when (error is UnavailableException or OperationCanceledException)
        {
            // It means nothing, and must not hide what was found out.
        }
    }
}
