using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>A rollback that was answered Done stays done, whatever was in flight.</summary>
public sealed class RollbackInFlightTests : Clusters
{
    private static readonly RollbackRequest Back = new()
    {
        To = new Sequence(1),
        Reason = "#2 has diverged",
        Actor = "me",
        FenceLiveAttempt = false,
    };

    private FencingToken _token;

    [Fact]
    public async Task A_snapshot_that_is_being_verified_does_not_become_the_head_after_a_rollback()
    {
        var cluster = await UploadedAsync(new CiuicCluster());
        await cluster.Run("x").CloseAsync(_token, CiuicCluster.Alone);
        var reply = await cluster.Run("x").RollbackAsync(Back);
        Assert.Equal((RollbackOutcome.Done, 1L), (reply.Outcome, reply.View.Head!.Sequence.Value));
        Assert.Null(reply.View.Pending);
        cluster.Store.Unreadable = null;
        Assert.Equal(SnapshotState.Aborted, (await cluster.SettledAsync("x", new Sequence(2))).State);
        Assert.Equal(1, (await cluster.QuietAsync("x")).Head!.Sequence.Value);
        Assert.Single(await cluster.EventsAsync("x"), e => e.Kind == RunEventKind.RolledBack);
        Assert.Equal(1, (await cluster.AuditAsync()).Runs.Single().Head!.Sequence.Value);
    }

    [Fact]
    public async Task An_attempt_whose_lease_has_run_out_does_not_come_back_after_a_rollback()
    {
        var cluster = await UploadedAsync(new CiuicCluster { Runs = { LeaseDuration = TimeSpan.FromMilliseconds(1) } });
        while ((await cluster.Run("x").DescribeAsync())!.LeaseIsLive)
            await Task.Yield();
        Assert.Equal(RollbackOutcome.Done, (await cluster.Run("x").RollbackAsync(Back)).Outcome);
        cluster.Store.Unreadable = null;
        Assert.Equal(LeaseReply.Fenced, await cluster.Run("x").RenewAsync(_token));
        Assert.Equal(1, (await cluster.QuietAsync("x")).Head!.Sequence.Value);
    }

    [Fact]
    public async Task A_snapshot_that_is_verified_is_committed_before_the_rollback_and_left_behind_by_it()
    {
        var cluster = await StartAsync(new CiuicCluster());
        await SaveFirstAsync(cluster);
        cluster.Store.Unwritable = key => key.Path.Contains("/block/", StringComparison.Ordinal);
        var sequence = await BeginSecondAsync(cluster);
        while ((await cluster.Snapshot("x", sequence).GetAsync())!.State != SnapshotState.Verified)
            await Task.Yield();
        await cluster.Run("x").CloseAsync(_token, CiuicCluster.Alone);
        await Assert.ThrowsAsync<UnavailableException>(() => cluster.Run("x").RollbackAsync(Back)); // it cannot be done now, and is not said to be
        cluster.Store.Unwritable = null;
        var reply = await AskingAgainAsync(() => cluster.Run("x").RollbackAsync(Back));
        Assert.Equal((RollbackOutcome.Done, 1L), (reply.Outcome, reply.View.Head!.Sequence.Value));
        Assert.Equal(SnapshotState.Committed, (await cluster.SettledAsync("x", sequence)).State);
        var audited = (await cluster.AuditAsync()).Runs.Single();
        Assert.Equal((2, 1, 1L), (audited.Snapshots, audited.Rollbacks, audited.Head!.Sequence.Value));
    }

    [Fact]
    public async Task An_activation_that_does_not_know_of_the_snapshot_in_flight_rolls_nothing_back_past_it()
    {
        var behind = await StartAsync(new CiuicCluster());
        await SaveFirstAsync(behind);
        await behind.QuietAsync("x");
        var ahead = await StartAsync(new CiuicCluster { Memory = behind.Memory, Signer = behind.Signer, Storage = behind.Storage });
        ahead.Store.Unreadable = behind.Store.Unreadable = key => key.Path.StartsWith("chunks/", StringComparison.Ordinal);
        await BeginSecondAsync(ahead);
        await AskingAgainAsync(() => ahead.Run("x").CloseAsync(_token, CiuicCluster.Alone));
        Assert.Equal(RollbackOutcome.Done, (await AskingAgainAsync(() => behind.Run("x").RollbackAsync(Back))).Outcome);
        ahead.Store.Unreadable = behind.Store.Unreadable = null;
        Assert.Equal(SnapshotState.Aborted, (await ahead.SettledAsync("x", new Sequence(2))).State);
        Assert.Equal(1, (await ahead.QuietAsync("x")).Head!.Sequence.Value);
    }

    [Fact]
    public async Task A_trainer_that_goes_back_by_itself_ends_its_own_snapshot_and_no_newer_attempts()
    {
        var cluster = await UploadedAsync(new CiuicCluster());
        var old = _token;
        var mine = Back with { FenceLiveAttempt = true, Token = old };
        Assert.Equal(RollbackOutcome.Done, (await cluster.Run("x").RollbackAsync(mine)).Outcome);
        Assert.Equal(SnapshotState.Aborted, (await cluster.SettledAsync("x", new Sequence(2))).State);
        _token = (await cluster.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        var next = await BeginSecondAsync(cluster);
        await cluster.Run("x").RollbackAsync(mine); // the other rank's, or again after a lost answer
        Assert.Equal(next, (await cluster.Run("x").DescribeAsync())!.Pending);
        cluster.Store.Unreadable = null;
        Assert.Equal(SnapshotState.Committed, (await cluster.SettledAsync("x", next)).State);
    }

    /// <summary>#1 is the head, #2 is uploaded, and cannot be read back.</summary>
    private async Task<CiuicCluster> UploadedAsync(CiuicCluster cluster)
    {
        await StartAsync(cluster);
        await SaveFirstAsync(cluster);
        await cluster.QuietAsync("x");
        cluster.Store.Unreadable = key => key.Path.StartsWith("chunks/", StringComparison.Ordinal);
        await BeginSecondAsync(cluster);
        return cluster;
    }

    private async Task SaveFirstAsync(CiuicCluster cluster)
    {
        _token = (await cluster.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        await cluster.SaveAsync("x", _token, 1);
    }

    private async Task<Sequence> BeginSecondAsync(CiuicCluster cluster)
    {
        var sequence = (await AskingAgainAsync(() => cluster.Run("x").BeginSnapshotAsync(_token, CiuicCluster.Plan(2)))).Sequence!.Value;
        var shard = await cluster.StoreShardAsync("x", sequence, 0, (int)sequence.Value);
        await cluster.Snapshot("x", sequence).CompleteShardAsync(_token, new Rank(0), shard);
        return sequence;
    }

    private static async Task<T> AskingAgainAsync<T>(Func<Task<T>> ask)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                return await ask();
            }
            catch (UnavailableException) when (tries < 100)
            {
                await Task.Delay(20);
            }
        }
    }
}
