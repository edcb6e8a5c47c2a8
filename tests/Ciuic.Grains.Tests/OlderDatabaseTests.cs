using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>A silo whose database is older than the bucket, empty, or another one.</summary>
public sealed class OlderDatabaseTests : Clusters
{
    [Fact]
    public async Task A_database_from_an_older_backup_decides_nothing()
    {
        var first = await StartAsync(new CiuicCluster());
        var token = (await first.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        await first.SaveAsync("x", token, 1);
        await first.QuietAsync("x");
        var backup = first.Storage.Backup();
        await first.SaveAsync("x", token, 2);
        await first.QuietAsync("x");
        await first.PublishAsync();

        var second = await StartAsync(new CiuicCluster { Memory = first.Memory, Signer = first.Signer, Storage = backup });
        var calls = new Func<Task>[]
        {
            () => second.Run("x").OpenAsync(CiuicCluster.Open(takeOver: token)),
            () => second.Run("x").BeginSnapshotAsync(token, CiuicCluster.Plan(3)),
            () => second.Run("x").RollbackAsync(new RollbackRequest { To = new Sequence(1), Reason = "r", Actor = "me", FenceLiveAttempt = true }),
            () => second.Run("x").MarkAsync(new MarkRequest { Kind = MarkKind.Pin, Sequence = new Sequence(1), Tag = null, Reason = "r", Actor = "me" }),
        };
        foreach (var call in calls)
        {
            var error = await Assert.ThrowsAsync<ConflictException>(call);
            Assert.Contains("#2", error.Message);
            Assert.Contains("older backup", error.Message);
        }

        await second.Grains.GetGrain<IRebuildGrain>(TestBucket.Ledger).StartAsync(null);
        var view = await RebuiltAsync(second);
        Assert.Contains("the database knows 1 of its 2 snapshots", view.Damaged.Single());
        Assert.Empty(view.Kept);

        // What it says to do: an empty database, and rebuild.
        var third = await StartAsync(new CiuicCluster { Memory = first.Memory, Signer = first.Signer });
        await third.Grains.GetGrain<IRebuildGrain>(TestBucket.Ledger).StartAsync(null);
        Assert.Equal(["x"], (await RebuiltAsync(third)).Rebuilt);
        var open = await third.Run("x").OpenAsync(CiuicCluster.Open());
        Assert.Equal(2, open.Head!.Sequence.Value);
        await third.SaveAsync("x", open.Lease.Token, 3);
        await third.PublishAsync();
        Assert.True((await TestBucket.AuditAsync(first.Memory)).Passed);
    }

    [Fact]
    public async Task A_run_that_was_not_told_of_its_commit_yet_is_not_taken_for_an_older_backup()
    {
        var cluster = await StartAsync(new CiuicCluster());
        var token = (await cluster.Run("live").OpenAsync(CiuicCluster.Open())).Lease.Token;
        await cluster.SaveAsync("live", token, 1);
        await cluster.QuietAsync("live");
        var begun = await cluster.Run("live").BeginSnapshotAsync(token, CiuicCluster.Plan(2));
        var view = (await cluster.Snapshot("live", begun.Sequence!.Value).GetAsync())!;
        // Its record is in the ledger; the answer has not come back.
        await cluster.Ledger.AppendAsync((Samples.Record(2) with { Run = view.Run, Sequence = view.Sequence, Token = token }).Encode(), 0);
        await cluster.Grains.GetGrain<IRebuildGrain>(TestBucket.Ledger).StartAsync(null);
        var rebuilt = await RebuiltAsync(cluster);
        Assert.Equal(["live"], rebuilt.Kept);
        Assert.Empty(rebuilt.Damaged);
    }

    [Fact]
    public async Task A_token_that_a_database_cannot_know_is_not_called_fenced()
    {
        var cluster = await StartAsync(new CiuicCluster());
        var newer = new FencingToken(5);
        await Assert.ThrowsAsync<UnavailableException>(() => cluster.Run("unknown").RenewAsync(newer));
        await Assert.ThrowsAsync<UnavailableException>(() => cluster.Run("unknown").BeginSnapshotAsync(newer, CiuicCluster.Plan(1)));
        await Assert.ThrowsAsync<UnavailableException>(() =>
            cluster.Snapshot("unknown", new Sequence(1)).CompleteShardAsync(newer, new Rank(0), ShardDigest.Of("x"u8)));
        var first = (await cluster.Run("unknown").OpenAsync(CiuicCluster.Open())).Lease.Token;
        var token = (await cluster.Run("unknown").OpenAsync(CiuicCluster.Open(first))).Lease.Token;
        Assert.True(token.CompareTo(first) > 0);
        Assert.Equal(LeaseReply.Fenced, await cluster.Run("unknown").RenewAsync(first));
        Assert.Equal(LeaseReply.Fenced, await cluster.Run("unknown").RenewAsync(newer));
    }

    [Fact]
    public async Task Another_name_than_the_clusters_own_ledger_is_refused_and_begins_none()
    {
        var cluster = await StartAsync(new CiuicCluster());
        var other = cluster.Grains.GetGrain<ILedgerGrain>("typo");
        await Assert.ThrowsAsync<NotFoundException>(() => other.DescribeAsync());
        await Assert.ThrowsAsync<NotFoundException>(() => other.PrepareKeyAsync(KeyRole.Blocks));
        await Assert.ThrowsAsync<NotFoundException>(() => other.AppendAsync(Samples.Record(1).Encode(), 0));
        await Assert.ThrowsAsync<NotFoundException>(() => cluster.Grains.GetGrain<IRebuildGrain>("typo").StartAsync(null));
        Assert.False(await KeyNotes.ExistAsync(new LedgerBucket(cluster.Memory, "typo"), default));
    }

    [Fact]
    public async Task Force_fences_a_live_attempt_even_when_the_head_is_there_already()
    {
        var cluster = await StartAsync(new CiuicCluster());
        var token = (await cluster.Run("j").OpenAsync(CiuicCluster.Open())).Lease.Token;
        await cluster.SaveAsync("j", token, 1);
        await cluster.QuietAsync("j");
        var request = new RollbackRequest { To = new Sequence(1), Reason = "stop it", Actor = "me", FenceLiveAttempt = true };
        Assert.False((await cluster.Run("j").RollbackAsync(request)).View.LeaseIsLive);
        Assert.Equal(LeaseReply.Fenced, await cluster.Run("j").RenewAsync(token));
        var events = (await cluster.EventsAsync("j")).Length;
        await cluster.Run("j").RollbackAsync(request); // again after a lost answer
        Assert.Equal(events, (await cluster.EventsAsync("j")).Length);
    }

    [Fact]
    public async Task A_cancellation_in_a_silo_does_not_cross_the_wire()
    {
        var cluster = await StartAsync(new CiuicCluster());
        cluster.Store.Unreadable = _ => throw new OperationCanceledException();
        await Assert.ThrowsAsync<UnavailableException>(() => cluster.Ledger.GetSizeAsync());
        cluster.Store.Unreadable = null;
    }

    private static async Task<RebuildView> RebuiltAsync(CiuicCluster cluster)
    {
        while (true)
        {
            var view = await cluster.Grains.GetGrain<IRebuildGrain>(TestBucket.Ledger).DescribeAsync();
            if (view.IsOver)
                return view;
            await Task.Delay(50);
        }
    }
}
