using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Orleans.Runtime;
using Orleans.Streams;

namespace Ciuic.Grains.Tests;

public sealed class CommitTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>
{
    [Fact]
    public async Task A_snapshot_with_all_shards_is_committed_and_becomes_the_head()
    {
        var lease = (await cluster.Run("a").OpenAsync(CiuicCluster.Open())).Lease;
        var first = await cluster.SaveAsync("a", lease.Token, 10);
        Assert.Equal(SnapshotState.Committed, first.State);
        await cluster.QuietAsync("a");
        var second = await cluster.SaveAsync("a", lease.Token, 20);
        Assert.Equal(first.Link, second.Order.Parent);
        var run = await cluster.QuietAsync("a");
        Assert.Equal((second.Link, 20L, 2L), (run.Head, run.HeadStep, run.Committed));
        await cluster.AuditAsync();
    }

    [Fact]
    public async Task Every_rank_of_one_save_gets_the_same_sequence_and_all_are_needed()
    {
        var token = (await cluster.Run("ranks").OpenAsync(CiuicCluster.Open(worldSize: 3))).Lease.Token;
        var replies = await Task.WhenAll(Enumerable.Range(0, 3)
            .Select(_ => cluster.Run("ranks").BeginSnapshotAsync(token, CiuicCluster.Plan(5, worldSize: 3))));
        var sequence = Assert.Single(replies.Select(r => r.Sequence!.Value).Distinct());
        for (var rank = 0; rank < 3; rank++)
        {
            var before = await cluster.Snapshot("ranks", sequence).GetAsync();
            Assert.Equal(Enumerable.Range(rank, 3 - rank), before!.MissingRanks);
            var shard = await cluster.StoreShardAsync("ranks", sequence, rank, rank);
            await cluster.Snapshot("ranks", sequence).CompleteShardAsync(token, new Rank(rank), shard);
        }

        Assert.Equal(SnapshotState.Committed, (await cluster.SettledAsync("ranks", sequence)).State);
    }

    [Fact]
    public async Task Every_step_may_be_repeated_without_effect()
    {
        var request = CiuicCluster.Open();
        var token = (await cluster.Run("twice").OpenAsync(request)).Lease.Token;
        Assert.Equal(token, (await cluster.Run("twice").OpenAsync(request)).Lease.Token);
        var sequence = (await cluster.Run("twice").BeginSnapshotAsync(token, CiuicCluster.Plan(1))).Sequence!.Value;
        Assert.Equal(sequence, (await cluster.Run("twice").BeginSnapshotAsync(token, CiuicCluster.Plan(1))).Sequence);
        var shard = await cluster.StoreShardAsync("twice", sequence, 0, 1);
        var snapshot = cluster.Snapshot("twice", sequence);
        Assert.Equal(ShardReply.Accepted, await snapshot.CompleteShardAsync(token, new Rank(0), shard));
        Assert.Equal(ShardReply.Accepted, await snapshot.CompleteShardAsync(token, new Rank(0), shard));
        var committed = await cluster.SettledAsync("twice", sequence);
        var ledger = cluster.Grains.GetGrain<ILedgerGrain>(TestBucket.Ledger);
        var manifest = SnapshotManifests.Build(
            new SnapshotId(RunId.Parse("twice"), sequence), committed.Order, [shard]);
        var record = LedgerRecord.ForSnapshot(manifest, committed.Manifest!.Value).Encode();
        Assert.Equal(committed.Position, await ledger.AppendAsync(record, 0));
    }

    [Fact]
    public async Task Another_shard_of_a_rank_or_a_rank_too_many_is_a_conflict()
    {
        var token = (await cluster.Run("conflict").OpenAsync(CiuicCluster.Open(worldSize: 2))).Lease.Token;
        var sequence = (await cluster.Run("conflict").BeginSnapshotAsync(token, CiuicCluster.Plan(1, 2))).Sequence!.Value;
        var snapshot = cluster.Snapshot("conflict", sequence);
        await snapshot.CompleteShardAsync(token, new Rank(0), ShardDigest.Of("one"u8));
        Assert.Equal(ShardReply.Conflict, await snapshot.CompleteShardAsync(token, new Rank(0), ShardDigest.Of("two"u8)));
        Assert.Equal(ShardReply.Conflict, await snapshot.CompleteShardAsync(token, new Rank(2), ShardDigest.Of("one"u8)));
    }

    [Fact]
    public async Task A_second_snapshot_waits_for_the_first()
    {
        var token = (await cluster.Run("busy").OpenAsync(CiuicCluster.Open())).Lease.Token;
        var first = await cluster.Run("busy").BeginSnapshotAsync(token, CiuicCluster.Plan(1));
        var second = await cluster.Run("busy").BeginSnapshotAsync(token, CiuicCluster.Plan(2));
        Assert.Equal((BeginOutcome.Busy, first.Sequence), (second.Outcome, second.Sequence));
    }

    [Theory]
    [InlineData("flip", "SHA-256")]
    [InlineData("delete", "missing")]
    [InlineData("manifest", "shard manifest")]
    public async Task A_snapshot_whose_bytes_are_wrong_in_the_store_is_aborted_and_never_visible(string how, string reason)
    {
        var run = $"damaged-{how}";
        var token = (await cluster.Run(run).OpenAsync(CiuicCluster.Open())).Lease.Token;
        var sequence = (await cluster.Run(run).BeginSnapshotAsync(token, CiuicCluster.Plan(1))).Sequence!.Value;
        var shard = await cluster.StoreShardAsync(run, sequence, 0, how.Length * 1_000);
        await DamageAsync(how, new SnapshotId(RunId.Parse(run), sequence));
        await cluster.Snapshot(run, sequence).CompleteShardAsync(token, new Rank(0), shard);
        var view = await cluster.SettledAsync(run, sequence);
        Assert.Equal(SnapshotState.Aborted, view.State);
        Assert.Contains(reason, view.Reason);
        Assert.Null((await cluster.QuietAsync(run)).Head);
        Assert.Contains(await cluster.EventsAsync(run), e => e.Kind == RunEventKind.Aborted && e.Detail == view.Reason);
    }

    [Fact]
    public async Task A_plan_that_breaks_a_limit_is_refused_before_a_sequence_is_spent()
    {
        var token = (await cluster.Run("plan").OpenAsync(CiuicCluster.Open())).Lease.Token;
        foreach (var plan in new[] { CiuicCluster.Plan(1, 0), CiuicCluster.Plan(-1), CiuicCluster.Plan(1, 1_000_000) })
            await Assert.ThrowsAsync<InvalidInputException>(() => cluster.Run("plan").BeginSnapshotAsync(token, plan));
        Assert.Null((await cluster.Run("plan").DescribeAsync())!.Pending);
    }

    [Fact]
    public async Task Events_are_numbered_without_gaps()
    {
        var token = (await cluster.Run("events").OpenAsync(CiuicCluster.Open())).Lease.Token;
        await cluster.SaveAsync("events", token, 1);
        await cluster.QuietAsync("events");
        var events = await cluster.EventsAsync("events");
        Assert.Equal([RunEventKind.Opened, RunEventKind.Begun, RunEventKind.Uploaded, RunEventKind.Verified, RunEventKind.Committed], events.Select(e => e.Kind));
        Assert.Equal([1L, 2L, 3L, 4L, 5L], events.Select(e => e.Number));
    }

    [Fact]
    public async Task A_long_history_is_read_over_its_pages_while_the_state_stays_small()
    {
        var run = cluster.Run("long");
        for (var i = 0; i < 150; i++)
        {
            var token = (await run.OpenAsync(CiuicCluster.Open())).Lease.Token;
            await run.CloseAsync(token, CiuicCluster.Alone);
        }

        var events = await run.ReadEventsAsync(1, 1_000);
        Assert.Equal(Enumerable.Range(1, 300).Select(i => (long)i), events.Select(e => e.Number));
        Assert.Equal([200L, 201L], (await run.ReadEventsAsync(200, 2)).Select(e => e.Number));
        Assert.Empty(await run.ReadEventsAsync(301, 10));
        for (var from = 1; from <= 300; from += 3)
        {
            var numbers = (await run.ReadEventsAsync(from, 7)).Select(e => e.Number);
            Assert.Equal(Enumerable.Range(from, Math.Min(7, 301 - from)).Select(i => (long)i), numbers);
        }
    }

    [Fact]
    public async Task The_catalogue_lists_every_run_that_was_ever_opened()
    {
        var names = Enumerable.Range(0, 30).Select(i => $"listed-{i}").ToList();
        foreach (var name in names)
            await cluster.Run(name).OpenAsync(CiuicCluster.Open());
        var shelves = await Task.WhenAll(Enumerable.Range(0, ICatalogueGrain.Shelves)
            .Select(i => cluster.Grains.GetGrain<ICatalogueGrain>(i).ListAsync()));
        Assert.Empty(names.Except(shelves.SelectMany(s => s).Select(r => r.Value)));
        Assert.Null(await cluster.Run("never-opened").DescribeAsync());
    }

    private async Task DamageAsync(string how, SnapshotId snapshot)
    {
        var key = BucketLayout.Shard(snapshot, new Rank(0));
        var manifest = ManifestCodec.DecodeShard(await cluster.Memory.GetAsync(key, CancellationToken.None));
        if (how != "manifest")
            key = BucketLayout.Chunk(manifest.Chunks[^1]);
        var bytes = (await cluster.Memory.GetAsync(key, CancellationToken.None))!;
        bytes[bytes.Length / 2] ^= 1;
        await cluster.Memory.DeleteAsync(key, CancellationToken.None);
        if (how != "delete")
            await cluster.Memory.PutAsync(key, bytes, CancellationToken.None);
    }
}
