using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>What runs and snapshots make of records that their rows do not know: the same as an audit makes of them.</summary>
public sealed class RecallTests : Clusters
{
    [Fact]
    public async Task A_record_that_an_audit_leaves_out_is_left_out_when_an_older_database_catches_up()
    {
        var first = await StartAsync(new CiuicCluster());
        var token = await SaveAsync(first, 1);
        var backup = first.Storage.Backup();
        await SaveAsync(first, 2, token);
        // As silos of before left it: committed again, and after that under a token that was fenced.
        await AppendAsync(first, Samples.Record(2) with { Token = token });
        await AppendAsync(first, Samples.Record(7) with { Token = new FencingToken(1) });
        await SaveAsync(first, 3, token);

        var second = await OnAsync(first, backup);
        var view = (await second.Run("x").DescribeAsync())!;
        await first.PublishAsync();
        var audited = (await TestBucket.AuditAsync(first.Memory)).Runs.Single();
        Assert.Equal((3L, audited.HeadStep), (view.Committed, view.HeadStep));
        Assert.Equal((await first.Run("x").DescribeAsync())!.Head, view.Head);
        Assert.Equal(audited.Snapshots, view.Committed);
        Assert.Equal(4, (await second.SaveAsync("x", token, 4)).Sequence.Value);
    }

    [Fact]
    public async Task A_mark_of_a_snapshot_that_was_never_committed_does_not_lock_its_run()
    {
        var first = await StartAsync(new CiuicCluster());
        var token = await SaveAsync(first, 1);
        var backup = first.Storage.Backup();
        await AppendAsync(first, Samples.Record(9) with { Kind = RecordKind.Pin, Step = null, Token = token, Reason = "r", Actor = "a" });
        await SaveAsync(first, 2, token);

        var second = await OnAsync(first, backup);
        Assert.True((await second.Run("x").OpenAsync(CiuicCluster.Open(takeOver: token))).Granted);
        var view = (await second.Run("x").DescribeAsync())!;
        Assert.Equal((2L, 2L), (view.Committed, view.Head!.Sequence.Value));
        Assert.Empty(view.Pins);
    }

    [Fact]
    public async Task A_commit_behind_what_has_passed_it_is_no_commit_for_its_snapshot_either()
    {
        var first = await StartAsync(new CiuicCluster());
        var token = await SaveAsync(first, 1);
        var sequence = (await first.Run("x").BeginSnapshotAsync(token, CiuicCluster.Plan(2))).Sequence!.Value;
        var backup = first.Storage.Backup();
        await AppendAsync(first, Samples.Record(3) with { Token = token });
        await AppendAsync(first, Samples.Record(sequence.Value) with { Token = token });

        var second = await OnAsync(first, backup);
        var shard = await second.StoreShardAsync("x", sequence, 0, 2);
        await second.Snapshot("x", sequence).CompleteShardAsync(token, new Rank(0), shard);
        Assert.Equal(SnapshotState.Aborted, (await second.SettledAsync("x", sequence)).State);
        Assert.Equal((2L, 3L), ((await second.QuietAsync("x")).Committed, (await second.QuietAsync("x")).Head!.Sequence.Value));
    }

    [Fact]
    public async Task A_crash_behind_the_commit_point_leaves_what_a_row_knows_of_its_snapshot()
    {
        var cluster = await StartAsync(new CiuicCluster());
        var token = await SaveAsync(cluster, 1);
        var sequence = (await cluster.Run("x").BeginSnapshotAsync(token, CiuicCluster.Plan(2))).Sequence!.Value;
        var order = (await cluster.Snapshot("x", sequence).GetAsync())!.Order;
        var shard = await cluster.StoreShardAsync("x", sequence, 0, 2);
        var manifest = BucketLayout.Manifest(new SnapshotId(RunId.Parse("x"), sequence)).Path;
        cluster.Storage.Arm(2, Fault.FailsBefore); // its shard, that it is verified, that it is committed
        await cluster.Snapshot("x", sequence).CompleteShardAsync(token, new Rank(0), shard);
        var settled = await cluster.SettledAsync("x", sequence);
        Assert.True(cluster.Storage.Happened);
        Assert.StartsWith("snapshot/", cluster.Storage.Writes[^2]);
        Assert.Equal((SnapshotState.Committed, order.NotBefore), (settled.State, settled.Order.NotBefore));
        Assert.NotEqual(0, order.NotBefore);
        Assert.Single(cluster.Store.Reads, manifest); // by who verified it
        Assert.Equal(sequence, (await cluster.QuietAsync("x")).Head!.Sequence);
        await cluster.AuditAsync();
    }

    private static Task AppendAsync(CiuicCluster cluster, LedgerRecord record) =>
        cluster.Ledger.AppendAsync((record with { Run = RunId.Parse("x") }).Encode(), 0);

    private static async Task<FencingToken> SaveAsync(CiuicCluster cluster, long step, FencingToken? held = null)
    {
        var token = held ?? (await cluster.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        await cluster.SaveAsync("x", token, step);
        await cluster.QuietAsync("x");
        return token;
    }

    /// <summary>A silo on the same bucket with another database.</summary>
    private Task<CiuicCluster> OnAsync(CiuicCluster first, SharedGrainStorage storage) =>
        StartAsync(new CiuicCluster { Memory = first.Memory, Signer = first.Signer, Storage = storage });
}
