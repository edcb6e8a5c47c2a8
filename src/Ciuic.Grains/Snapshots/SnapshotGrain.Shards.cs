using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>
/// Shards that arrive. The state grows with the ranks, so it is not written for each of them: one write takes all that have come
/// while the write before it was under way, and where there are many, all that come within a moment.
/// </summary>
internal sealed partial class SnapshotGrain
{
    /// <summary>From so many ranks on a write waits for others to come; at most five a second are made then.</summary>
    private const int ManyRanks = 32;
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(200);

    /// <summary>Shards whose ranks wait for the answer.</summary>
    private readonly Dictionary<int, ShardDigest> _arriving = [];

    /// <exception cref="UnavailableException">It was not stored, or another shard of this rank is being stored; ask again.</exception>
    private async Task TakeAsync(Rank rank, ShardDigest shard)
    {
        if (_arriving.TryGetValue(rank.Value, out var other) && other != shard)
            throw new UnavailableException($"Snapshot {Id}: another shard of rank {rank} is being taken; ask again.");
        _arriving[rank.Value] = shard;
        var isLast = Arrived(Data).Count == Data.Order!.Plan.WorldSize;
        try
        {
            if (!isLast && Data.Order.Plan.WorldSize >= ManyRanks)
                await Task.Delay(Gather, time);
            await StoreArrivedAsync(isLast);
        }
        finally
        {
            _arriving.Remove(rank.Value);
        }

        if (isLast)
            _ = FinishAsync();
    }

    /// <summary>
    /// Stores all shards that have come. With the last one the manifest is written first, and both are stored as one change: dying in
    /// between leaves a manifest that is written again, from the same shards with the same bytes. Where the bucket does not answer,
    /// the shards are stored alone.
    /// </summary>
    private async Task StoreArrivedAsync(bool isLast)
    {
        var shards = Arrived(Data);
        var written = isLast ? await TryWriteManifestAsync(shards) : null;
        await ChangeAsync(d => d.State != SnapshotState.Pending ? d
            : written is { } digest && shards.Count == d.Order!.Plan.WorldSize
                ? d with { Shards = shards, State = SnapshotState.Uploaded, Manifest = digest }
                : Arrived(d) is var all && all.Count > d.Shards.Count ? d with { Shards = all } : d);
        if (isLast && Data.State == SnapshotState.Uploaded)
            _ = TellReachedAsync(SnapshotState.Uploaded);
    }

    /// <summary>What is stored comes first: a rank's shard never changes.</summary>
    private Dictionary<int, ShardDigest> Arrived(SnapshotData data)
    {
        var all = new Dictionary<int, ShardDigest>(data.Shards);
        foreach (var (rank, shard) in _arriving)
            all.TryAdd(rank, shard);
        return all;
    }

    private async Task<ManifestDigest?> TryWriteManifestAsync(Dictionary<int, ShardDigest> shards)
    {
        try
        {
            // Whoever reports a shard must not wait for a bucket that hangs, nor those who ask this snapshot meanwhile.
            return await WriteManifestAsync(shards).WaitAsync(WorthWaiting, time);
        }
        catch (Exception error)
        {
            Say(error.Message);
            return null;
        }
    }
}
