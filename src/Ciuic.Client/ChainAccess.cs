using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>Keys of the HTTP API. The cluster learns their hashes only.</summary>
public sealed class ChainAccess
{
    private readonly AwaitedCluster _cluster;
    private readonly TimeProvider _time;

    internal ChainAccess(AwaitedCluster cluster, TimeProvider time) => (_cluster, _time) = (cluster, time);

    internal ChainAccess(ICoordinator coordinator, TimeProvider time)
        : this(AwaitedCluster.Of(coordinator), time)
    {
    }

    /// <summary>Makes a key known.</summary>
    /// <param name="key">The key, made of fresh random bytes.</param>
    /// <param name="name">What people call it, at most 200 characters.</param>
    /// <param name="scope">What it may do.</param>
    /// <param name="runPrefix">With which runs: those whose names begin with this; empty for all.</param>
    /// <param name="goodFor">How long; null until it is revoked.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="ConflictException">There are as many keys as there may be.</exception>
    /// <exception cref="InvalidInputException">Name or prefix are too long.</exception>
    public async Task<ApiKeyRecord> AddAsync(
        ApiKey key, string name, AccessScope scope, string runPrefix, TimeSpan? goodFor, CancellationToken cancel = default)
    {
        var now = _time.GetUtcNow();
        var record = new ApiKeyRecord
        {
            Id = key.Id,
            Hash = key.Hash,
            Scope = scope,
            RunPrefix = runPrefix,
            Name = name,
            CreatedAt = now,
            ExpiresAt = now + goodFor,
        };
        await (await _cluster.GetAsync(cancel)).AddKeyAsync(record, cancel);
        return record;
    }

    /// <summary>Ends a key: gateways refuse it within seconds.</summary>
    /// <exception cref="NotFoundException">There is none of that id.</exception>
    public async Task RevokeAsync(string id, CancellationToken cancel = default)
    {
        if (!await (await _cluster.GetAsync(cancel)).RevokeKeyAsync(id, cancel))
            throw new NotFoundException($"There is no key {id}. 'ciuic key list' shows them.");
    }

    /// <summary>All keys, ended ones too.</summary>
    public async Task<IReadOnlyList<ApiKeyRecord>> ListAsync(CancellationToken cancel = default) =>
        await (await _cluster.GetAsync(cancel)).ListKeysAsync(cancel);
}
