using System.Security.Cryptography;
using Ciuic.Contracts;
using Ciuic.Core;

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

/// <summary>The cluster's keys.</summary>
internal sealed class AccessGrain(
    [PersistentState("access", Persistence.Provider)] IPersistentState<AccessState> state, TimeProvider time) : Grain, IAccessGrain
{
    /// <summary>One row holds all of them, ended ones too.</summary>
    private const int MaxKeys = 1_000;

    private const int MaxLength = 200;

    private AccessState Access => state.State;

    public async Task AddAsync(ApiKeyRecord key)
    {
        if (key.Name.Length > MaxLength || key.RunPrefix.Length > MaxLength)
            throw new InvalidInputException($"A key's name and its runs' prefix have at most {MaxLength} characters each.");
        if (Access.Keys.FirstOrDefault(k => k.Id == key.Id) is { } same)
        {
            if (same.Hash == key.Hash)
                return;
            throw new ConflictException($"There is another key {key.Id}: make a new one.");
        }

        // Those that were ended longest ago make room.
        var ended = Access.Keys.Where(k => k.RevokedAt is not null).OrderBy(k => k.RevokedAt).Take(Access.Keys.Length - MaxKeys + 1).ToList();
        var kept = Access.Keys.Except(ended).ToArray();
        if (kept.Length >= MaxKeys)
            throw new ConflictException($"There are {MaxKeys} keys, as many as there may be: end some.");
        await this.SaveAsync(state, Access with { Keys = [.. kept, key] });
    }

    public async Task<bool> RevokeAsync(string id)
    {
        await this.ReadAgainAsync(state); // another activation may have added it
        if (Access.Keys.FirstOrDefault(k => k.Id == id) is not { } key)
            return false;
        if (key.RevokedAt is null)
        {
            var revoked = key with { RevokedAt = time.GetUtcNow() };
            await this.SaveAsync(state, Access with { Keys = [.. Access.Keys.Select(k => k.Id == id ? revoked : k)] });
        }

        return true;
    }

    public async Task<AccessView> DescribeAsync()
    {
        // Another activation may have changed it, and a key that was revoked there must not be good here.
        await this.ReadAgainAsync(state);
        // Two who make it at once: one of them is refused by the ETag, asks again and finds the other's.
        if (Access.ReceiptSecret.Length == 0)
            await this.SaveAsync(state, Access with { ReceiptSecret = RandomNumberGenerator.GetBytes(Receipt.SecretSize) });
        return new AccessView(Access.Keys, Access.ReceiptSecret);
    }
}
