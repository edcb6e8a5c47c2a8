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
        var token = (await _cluster.Run("late").OpenAsync(CiuicCluster.Open(worldSize: 2))).Lease.Token;
        var sequence = (await _cluster.Run("late").BeginSnapshotAsync(token, CiuicCluster.Plan(1, 2))).Sequence!.Value;
        var shard = await _cluster.StoreShardAsync("late", sequence, 0, 1);
        await _cluster.Snapshot("late", sequence).CompleteShardAsync(token, new Rank(0), shard);
        var view = await _cluster.SettledAsync("late", sequence);
        Assert.Equal(SnapshotState.Aborted, view.State);
        Assert.Contains("ranks 1 did not arrive", view.Reason);
        await _cluster.QuietAsync("late");
        Assert.Equal(BeginOutcome.Begun, (await _cluster.Run("late").BeginSnapshotAsync(token, CiuicCluster.Plan(2, 2))).Outcome);
    }

    [Fact]
    public async Task A_snapshot_that_cannot_be_verified_in_time_is_aborted_saying_why_and_the_run_goes_on()
    {
        _cluster.Snapshots.SettleDeadline = TimeSpan.FromSeconds(1);
        var token = (await _cluster.Run("stuck").OpenAsync(CiuicCluster.Open())).Lease.Token;
        _cluster.Store.Unreadable = key => key.Path.StartsWith("runs/stuck/1/", StringComparison.Ordinal);
        var view = await _cluster.SaveAsync("stuck", token, 1);
        Assert.Equal(SnapshotState.Aborted, view.State);
        Assert.Contains("could not be verified within 00:00:01: injected: runs/stuck/1/manifest", view.Reason);
        await _cluster.QuietAsync("stuck");
        Assert.Equal(SnapshotState.Committed, (await _cluster.SaveAsync("stuck", token, 2)).State);
    }

    [Fact]
    public async Task A_snapshot_whose_beginning_was_lost_is_ended_by_its_runs_reminder_though_nobody_calls()
    {
        var run = _cluster.Run("lost");
        var token = (await run.OpenAsync(CiuicCluster.Open())).Lease.Token;
        _cluster.Storage.Arm(1, Fault.FailsBefore); // the run has noted the snapshot, the snapshot itself has not
        await Assert.ThrowsAsync<UnavailableException>(() => run.BeginSnapshotAsync(token, CiuicCluster.Plan(1)));
        var sequence = (await run.DescribeAsync())!.Pending!.Value;
        Assert.Null(await _cluster.Snapshot("lost", sequence).GetAsync());

        await run.AsReference<IRemindable>().ReceiveReminder("look", default);
        Assert.Equal(SnapshotState.Aborted, (await _cluster.SettledAsync("lost", sequence)).State);
        await _cluster.QuietAsync("lost");
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();
}
