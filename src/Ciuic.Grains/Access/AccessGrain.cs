using System.Security.Cryptography;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;

namespace Ciuic.Grains;

/// <summary>What is stored of keys.</summary>
[GenerateSerializer, Alias("ciuic.AccessState")]
public sealed record AccessState
{
    /// <summary>All keys, in the order they were made.</summary>
    [Id(0)]
    public ApiKeyRecord[] Keys { get; init; } = [];

    /// <summary>Empty before anybody asked.</summary>
    [Id(1)]
    public byte[] ReceiptSecret { get; init; } = [];
}

/// <summary>
/// The cluster's keys. That one was ended stands in the bucket, too: a database that is restored from an older copy does not make it
/// good again.
/// </summary>
internal sealed class AccessGrain(
    [PersistentState("access", Persistence.Provider)] IPersistentState<AccessState> state,
    IObjectStore store,
    EndedKeys ended,
    TimeProvider time,
    ILogger<AccessGrain> logger) : Grain, IAccessGrain
{
    /// <summary>One row holds all of them, ended ones too.</summary>
    private const int MaxKeys = 1_000;

    private const int MaxLength = 200;

    /// <summary>Whether the bucket was read since this activation began: what is ended later is ended here.</summary>
    private bool _hasLooked;

    private AccessState Access => state.State;

    public async Task AddAsync(ApiKeyRecord key)
    {
        if (key.Name.Length > MaxLength || key.RunPrefix.Length > MaxLength)
            throw new InvalidInputException($"A key's name and its runs' prefix have at most {MaxLength} characters each.");
        if (Access.Keys.FirstOrDefault(k => k.Id == key.Id) is { } same)
        {
            if (same.Hash != key.Hash)
                throw new ConflictException($"There is another key {key.Id}: make a new one.");
            if (same.ExpiresAt != key.ExpiresAt)
                await ReplaceAsync(same with { ExpiresAt = key.ExpiresAt });
            return;
        }

        // Those that ended longest ago make room, by whatever they did.
        var over = Access.Keys.Where(k => EndOf(k) is not null).OrderBy(EndOf).Take(Access.Keys.Length - MaxKeys + 1).ToList();
        var kept = Access.Keys.Except(over).ToArray();
        if (kept.Length >= MaxKeys)
            throw new ConflictException($"There are {MaxKeys} keys, as many as there may be: end some.");
        await this.SaveAsync(state, Access with { Keys = [.. kept, key] });
        logger.KeyMade(key.Id, key.Name, key.Scope, key.RunPrefix, key.ExpiresAt);
    }

    public async Task<bool> RevokeAsync(string id)
    {
        await this.ReadAgainAsync(state); // another activation may have added it
        if (Access.Keys.FirstOrDefault(k => k.Id == id) is not { } key)
            return false;
        if (key.RevokedAt is null)
        {
            await ReplaceAsync(key with { RevokedAt = time.GetUtcNow() });
            logger.KeyEnded(key.Id, key.Name);
        }

        // Ended it is by now, whether the bucket takes this or not; where it does not, the caller is told to ask again.
        await store.CreateAsync(BucketLayout.EndedKey(id), StrictUtf8.Encode($"{time.GetUtcNow():O}\n"), CancellationToken.None);
        ended.Add(id);
        return true;
    }

    public async Task<AccessView> DescribeAsync()
    {
        // Another activation may have changed it, and a key that was revoked there must not be good here.
        await this.ReadAgainAsync(state);
        // Two who make it at once: one of them is refused by the ETag, asks again and finds the other's.
        if (Access.ReceiptSecret.Length == 0)
            await this.SaveAsync(state, Access with { ReceiptSecret = RandomNumberGenerator.GetBytes(Receipt.SecretSize) });
        await LookAsync();
        return new AccessView([.. Access.Keys.Select(AsTheBucketSays)], Access.ReceiptSecret);
    }

    private Task ReplaceAsync(ApiKeyRecord key) =>
        this.SaveAsync(state, Access with { Keys = [.. Access.Keys.Select(k => k.Id == key.Id ? key : k)] });

    /// <summary>When a key ended; null while it is good.</summary>
    private DateTimeOffset? EndOf(ApiKeyRecord key) =>
        key.RevokedAt ?? (key.ExpiresAt <= time.GetUtcNow() ? key.ExpiresAt : null);

    private ApiKeyRecord AsTheBucketSays(ApiKeyRecord key) =>
        key.RevokedAt is null && ended.Contains(key.Id) ? key with { RevokedAt = key.CreatedAt } : key;

    /// <summary>
    /// A bucket that does not answer locks nobody out, where this silo has been able to read it once. Where it never has, this database may
    /// be an older copy, to which keys are good that were ended: nobody is told that his is, and nobody that it is not.
    /// </summary>
    private async Task LookAsync()
    {
        _hasLooked = _hasLooked || await ended.LookAsync();
        if (!ended.IsKnown)
        {
            throw new UnavailableException(
                $"Which API keys were ended could not be read from {store.Location} yet, and without that none is taken for good; ask again.");
        }
    }
}
