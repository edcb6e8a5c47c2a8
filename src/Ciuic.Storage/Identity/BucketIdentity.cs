using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>
/// Which bucket this is: an object at its root, made once and never changed. Silos, trainers and readers compare it, so that none of
/// them works on another bucket than the others because of a path that was mistyped, or is relative. See FORMAT.md.
/// </summary>
/// <param name="Id">The identity.</param>
/// <param name="At">When its first silo started.</param>
public sealed record BucketIdentity(BucketId Id, DateTimeOffset At)
{
    private const string Format = "ciuic.dev/bucket/v1";

    /// <summary>The identity of a bucket; null where it has none yet.</summary>
    /// <exception cref="CorruptException">The object is damaged.</exception>
    /// <exception cref="UnavailableException">The bucket does not answer.</exception>
    public static async Task<BucketIdentity?> FindAsync(IObjectStore store, CancellationToken cancel)
    {
        if (await store.GetAsync(BucketLayout.Identity, cancel) is not { } bytes)
            return null;
        return TryDecode(bytes) ?? throw new CorruptException(
            $"{store.Location}: the object '{BucketLayout.Identity}', which says which bucket this is, is damaged. Start a silo on it: it knows "
            + "what was there and puts it back; or bring it back from a backup.");
    }

    /// <summary>The identity of a bucket; one that has none gets one.</summary>
    /// <param name="store">The bucket.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="CorruptException">The object is damaged.</exception>
    /// <exception cref="UnavailableException">The bucket does not answer, or takes no writes.</exception>
    public static async Task<BucketIdentity> EnsureAsync(IObjectStore store, TimeProvider time, CancellationToken cancel)
    {
        if (await FindAsync(store, cancel) is { } there)
            return there;
        var made = new BucketIdentity(
            new BucketId(RandomNumberGenerator.GetBytes(BucketId.Size)),
            DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds()));
        // Dying before: there is none, and the next silo makes one. After, or with the answer lost: there is one, and it is read. Of
        // several silos one wins, and what is read back is the winner's.
        await store.CreateAsync(BucketLayout.Identity, made.Encode(), cancel);
        return await FindAsync(store, cancel) ?? throw new UnavailableException(
            $"{store.Location}: the object '{BucketLayout.Identity}' was just created and is not there: what is written there is not read back.");
    }

    /// <summary>Puts back an identity that was lost or damaged.</summary>
    /// <exception cref="UnavailableException">The bucket takes no writes.</exception>
    public async Task RestoreAsync(IObjectStore store, CancellationToken cancel)
    {
        // Both write the only bytes that a bucket of this identity ever had: dying between or after changes nothing.
        if (await store.CreateAsync(BucketLayout.Identity, Encode(), cancel) == CreateResult.AlreadyExists)
            await store.PutAsync(BucketLayout.Identity, Encode(), cancel);
    }

    /// <summary>The object's bytes.</summary>
    public byte[] Encode() => StrictUtf8.Encode(
        $"{{\"format\":\"{Format}\",\"id\":\"{Id}\",\"at\":{At.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture)}}}\n");

    /// <summary>Reads the object's bytes; null where they are none.</summary>
    public static BucketIdentity? TryDecode(byte[] bytes)
    {
        try
        {
            using var json = JsonDocument.Parse(bytes);
            var (id, at) = (json.RootElement.GetProperty("id").GetString(), json.RootElement.GetProperty("at").GetInt64());
            if (!BucketId.TryParse(id, null, out var parsed))
                return null;
            var identity = new BucketIdentity(parsed, DateTimeOffset.FromUnixTimeMilliseconds(at));
            return identity.Encode().AsSpan().SequenceEqual(bytes) ? identity : null;
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException
            or ArgumentOutOfRangeException)
        {
            return null;
        }
    }
}
