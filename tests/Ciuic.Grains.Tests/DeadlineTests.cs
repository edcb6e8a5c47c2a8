using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

public sealed class DeadlineTests : IAsyncLifetime
{
    private readonly CiuicCluster _cluster = new();

    public ValueTask InitializeAsync()
    {
        _cluster.Snapshots.ShardDeadline = TimeSpan.FromSeconds(1);
        return _cluster.InitializeAsync();
    }

    [Fact]
    public async Task A_snapshot_whose_shards_do_not_arrive_in_time_is_aborted_naming_the_ranks()
    {
        var token = (await _cluster.Run("late").OpenAsync(CiuicCluster.Open())).Lease.Token;
        var sequence = (await _cluster.Run("late").BeginSnapshotAsync(token, CiuicCluster.Plan(1, 2))).Sequence!.Value;
        var shard = await _cluster.StoreShardAsync("late", sequence, 0, 1);
        await _cluster.Snapshot("late", sequence).CompleteShardAsync(token, new Rank(0), shard);
        var view = await _cluster.SettledAsync("late", sequence);
        Assert.Equal(SnapshotState.Aborted, view.State);
        Assert.Contains("ranks 1 did not arrive", view.Reason);
        await _cluster.QuietAsync("late");
        Assert.Equal(BeginOutcome.Begun, (await _cluster.Run("late").BeginSnapshotAsync(token, CiuicCluster.Plan(2))).Outcome);
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();
}
