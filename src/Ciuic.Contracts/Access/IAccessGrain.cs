using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>Who may use the HTTP API; its key is <see cref="Key"/>. Knows hashes of keys, never keys.</summary>
[Alias("ciuic.IAccessGrain")]
public interface IAccessGrain : IGrainWithStringKey
{
    /// <summary>The one of the cluster.</summary>
    const string Key = "access";

    /// <summary>Takes in a key. The same again changes nothing but until when it is good.</summary>
    /// <exception cref="InvalidInputException">Its name or prefix is too long.</exception>
    /// <exception cref="ConflictException">There are as many keys as there may be, or one of that id with another hash.</exception>
    [Alias("Add")]
    Task AddAsync(ApiKeyRecord key);

    /// <summary>Ends a key: gateways refuse it within seconds.</summary>
    /// <returns>False where there is none of that id.</returns>
    /// <exception cref="UnavailableException">
    /// The database does not answer, and it is good; or the bucket, and it is ended, but an older database would not know: ask again.
    /// </exception>
    [Alias("Revoke")]
    Task<bool> RevokeAsync(string id);

    /// <summary>All keys, and the secret under which gateways write receipts.</summary>
    [Alias("Describe")]
    Task<AccessView> DescribeAsync();
}

/// <summary>A key as it is kept.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.ApiKeyRecord")]
public sealed record ApiKeyRecord
{
    /// <summary>Its public part.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>SHA-256 of its secret.</summary>
    [Id(1)]
    public required Digest Hash { get; init; }

    /// <summary>What it may do.</summary>
    [Id(2)]
    public required AccessScope Scope { get; init; }

    /// <summary>With which runs: those whose names begin with this; empty for all.</summary>
    [Id(3)]
    public required string RunPrefix { get; init; }

    /// <summary>What people call it.</summary>
    [Id(4)]
    public required string Name { get; init; }

    /// <summary>When it was made, UTC.</summary>
    [Id(5)]
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was ended, UTC; null while it is good.</summary>
    [Id(6)]
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>From when on it is not good any more, UTC; null where it is until it is revoked.</summary>
    [Id(7)]
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>What gateways know of keys.</summary>
/// <param name="Keys">All of them, ended ones too.</param>
/// <param name="ReceiptSecret">See <see cref="Receipt"/>.</param>
[GenerateSerializer, Immutable, Alias("ciuic.AccessView")]
public sealed record AccessView(ApiKeyRecord[] Keys, byte[] ReceiptSecret);
