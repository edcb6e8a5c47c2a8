using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Grains;

/// <summary>
/// Reads a snapshot back from the store, from its root manifest on, through the verifiers of all silos. What was found right is not
/// read again: after a failure it goes on where it failed. That something is missing or wrong is believed when it was seen more than
/// once: nobody forgets a snapshot for one odd answer of a store.
/// </summary>
internal sealed class SnapshotVerification(
    SnapshotId id, ManifestDigest digest, ManifestReader manifests, Verifiers verifiers, SnapshotOptions options, TimeProvider time)
{
    /// <summary>Times that a complaint is looked at before it is believed, a retry's pause apart.</summary>
    public const int Looks = 3;

    private List<ShardVerification>? _shards;

    /// <summary>Goes on until the outcome is known.</summary>
    /// <exception cref="UnavailableException">The store or the verifiers do not answer; run it again.</exception>
    public async Task<Verdict> RunAsync(CancellationToken cancel)
    {
        for (var look = 1; ; look++)
        {
            if (await FindComplaintAsync(cancel) is not { } complaint)
                return new Verdict(_shards!.Sum(s => s.Bytes), null);
            if (look == Looks)
                return new Verdict(0, complaint);
            await Task.Delay(options.RetryInterval, time, cancel);
        }
    }

    private async Task<string?> FindComplaintAsync(CancellationToken cancel)
    {
        try
        {
            _shards ??= await ReadAsync(cancel);
            foreach (var shard in _shards)
            {
                if (await shard.FindComplaintAsync(cancel) is { } complaint)
                    return complaint;
            }

            return null;
        }
        catch (CorruptException error)
        {
            return error.Message;
        }
    }

    private async Task<List<ShardVerification>> ReadAsync(CancellationToken cancel)
    {
        // From the bucket, though the silo has just built it: what counts is what others will read.
        var manifest = await manifests.ReadAsync(id, digest, cancel);
        var shards = await manifests.ReadShardsAsync(manifest, cancel);
        await manifests.CheckSignaturesAsync(manifest, cancel);
        return ShardSetRules.FindComplaint(shards) is { } misfit
            ? throw new CorruptException(misfit)
            : [.. shards.Select(s => new ShardVerification(s, verifiers, options))];
    }
}
