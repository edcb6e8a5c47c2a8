using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>A silo whose database is older than the bucket, empty, or another one.</summary>
public sealed class OlderDatabaseTests : Clusters
{
    [Fact]
    public async Task What_the_ledger_has_beyond_an_older_backup_is_taken_in()
    {
        var first = await StartAsync(new CiuicCluster());
        var token = await SaveFirstAsync(first);
        var backup = first.Storage.Backup();
        await first.SaveAsync("x", token, 2);
        await first.QuietAsync("x");
        await first.SaveAsync("x", token, 3);
        await first.QuietAsync("x");
        await MarkAsync(first, MarkKind.Tag, 2);
        await MarkAsync(first, MarkKind.Pin, 3);
        await first.Run("x").RollbackAsync(BackTo(2));
        var truth = (await first.Run("x").DescribeAsync())!;

        var second = await OnAsync(first, backup);
        var view = (await second.Run("x").DescribeAsync())!;
        Assert.Equal((truth.Head, truth.HeadStep, truth.Committed), (view.Head, view.HeadStep, view.Committed));
        Assert.Equal(truth.Tags, view.Tags);
        Assert.Equal(truth.Pins, view.Pins);
        Assert.Null(view.Lease);
        Assert.Equal(SnapshotState.Committed, (await second.Snapshot("x", new Sequence(3)).GetAsync())!.State);
        var events = await second.EventsAsync("x");
        Assert.Equal(Enumerable.Range(1, events.Length).Select(i => (long)i), events.Select(e => e.Number));
        Assert.Equal(
            [RunEventKind.Committed, RunEventKind.Committed, RunEventKind.Tagged, RunEventKind.Pinned, RunEventKind.RolledBack],
            events[^5..].Select(e => e.Kind));
        Assert.Equal(LeaseReply.Fenced, await second.Run("x").RenewAsync(token));

        var open = await second.Run("x").OpenAsync(CiuicCluster.Open());
        var saved = await second.SaveAsync("x", open.Lease.Token, 4);
        Assert.Equal((4L, truth.Head), (saved.Sequence.Value, saved.Order.Parent));
        await second.QuietAsync("x");
        await second.AuditAsync();
    }

    [Fact]
    public async Task A_second_that_a_failover_lost_ends_no_attempt_that_was_there_before()
    {
        var first = await StartAsync(new CiuicCluster());
        var token = await SaveFirstAsync(first);
        var standby = first.Storage.Backup();
        await first.SaveAsync("x", token, 2);
        await first.QuietAsync("x");
        var second = await OnAsync(first, standby);
        Assert.Equal(LeaseReply.Held, await second.Run("x").RenewAsync(token));
        Assert.Equal(3, (await second.SaveAsync("x", token, 3)).Sequence.Value);
        await second.QuietAsync("x");
        await second.AuditAsync();
    }

    [Fact]
    public async Task Of_two_attempts_one_of_which_the_database_has_forgotten_one_commits()
    {
        var first = await StartAsync(new CiuicCluster());
        var token = await SaveFirstAsync(first);
        await first.Run("x").CloseAsync(token, CiuicCluster.Alone);
        var backup = first.Storage.Backup();
        var forgotten = (await first.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        var second = await OnAsync(first, backup);
        var known = (await second.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        Assert.True(known.CompareTo(forgotten) > 0);
        Assert.Equal(LeaseReply.Fenced, await second.Run("x").RenewAsync(forgotten));
        Assert.Equal(BeginOutcome.Fenced, (await second.Run("x").BeginSnapshotAsync(forgotten, CiuicCluster.Plan(2))).Outcome);
        await second.SaveAsync("x", known, 2);
        await second.QuietAsync("x");
        await second.AuditAsync();
    }

    [Fact]
    public async Task A_snapshot_that_was_committed_after_the_backup_is_not_appended_again()
    {
        var first = await StartAsync(new CiuicCluster());
        var token = await SaveFirstAsync(first);
        first.Store.Unreadable = IsChunk;
        var sequence = await BeginSecondAsync(first, token);
        var backup = first.Storage.Backup(); // #2 is uploaded
        first.Store.Unreadable = null;
        await first.SettledAsync("x", sequence);
        await first.QuietAsync("x");
        var size = await first.Ledger.GetSizeAsync();
        var second = await OnAsync(first, backup);
        Assert.Equal(SnapshotState.Committed, (await second.SettledAsync("x", sequence)).State); // a trainer that waits wakes it
        Assert.Equal(sequence, (await second.QuietAsync("x")).Head!.Sequence);
        Assert.Equal(size, await second.Ledger.GetSizeAsync());
        await second.AuditAsync();
    }

    [Fact]
    public async Task A_snapshot_that_history_has_passed_since_the_backup_is_not_committed()
    {
        var first = await StartAsync(new CiuicCluster());
        var token = await SaveFirstAsync(first);
        first.Store.Unreadable = IsChunk;
        var sequence = await BeginSecondAsync(first, token);
        var backup = first.Storage.Backup();
        await first.Run("x").RollbackAsync(BackTo(1));
        first.Store.Unreadable = null;
        var next = (await first.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        Assert.Equal(3, (await first.SaveAsync("x", next, 5)).Sequence.Value);
        await first.QuietAsync("x");
        var second = await OnAsync(first, backup);
        Assert.Equal(SnapshotState.Aborted, (await second.SettledAsync("x", sequence)).State);
        var view = await second.QuietAsync("x");
        Assert.Equal((3L, 2L), (view.Head!.Sequence.Value, view.Committed));
        await second.AuditAsync();
    }

    [Fact]
    public async Task A_database_of_another_history_is_refused_until_a_rebuild_takes_the_ledgers_word()
    {
        var other = await StartAsync(new CiuicCluster());
        var token = await SaveFirstAsync(other);
        await other.SaveAsync("x", token, 2);
        await other.QuietAsync("x");
        var first = await StartAsync(new CiuicCluster());
        await SaveFirstAsync(first);
        await first.PublishAsync();

        var mixed = await OnAsync(first, other.Storage.Backup());
        var error = await Assert.ThrowsAsync<ConflictException>(() => mixed.Run("x").OpenAsync(CiuicCluster.Open(takeOver: token)));
        Assert.Contains("ciuic rebuild", error.Message);
        Assert.Contains("ciuic repair", error.Message);
        foreach (var head in new[] { (await other.Run("x").DescribeAsync())!.Head!, (await first.Run("x").DescribeAsync())!.Head! })
            Assert.Contains($"#{head.Sequence} ({head.Manifest})", error.Message);
        await mixed.Grains.GetGrain<IRebuildGrain>(TestBucket.Ledger).StartAsync(null);
        Assert.Equal(["x"], (await RebuiltAsync(mixed)).Mended);
        var open = await mixed.Run("x").OpenAsync(CiuicCluster.Open());
        Assert.Equal((await first.Run("x").DescribeAsync())!.Head, open.Head);
        Assert.Equal(open.Head, (await mixed.Snapshot("x", new Sequence(1)).GetAsync())!.Link);
        Assert.Equal(3, (await mixed.SaveAsync("x", open.Lease.Token, 7)).Sequence.Value); // #2 was given
        await mixed.QuietAsync("x");
        await mixed.AuditAsync();
    }

    [Fact]
    public async Task A_rebuild_ends_what_a_database_of_another_history_has_in_flight()
    {
        var other = await StartAsync(new CiuicCluster());
        await other.Run("x").BeginSnapshotAsync(await SaveFirstAsync(other), CiuicCluster.Plan(2));
        var first = await StartAsync(new CiuicCluster());
        await SaveFirstAsync(first);
        await first.PublishAsync();

        var mixed = await OnAsync(first, other.Storage.Backup());
        await mixed.Grains.GetGrain<IRebuildGrain>(TestBucket.Ledger).StartAsync(null);
        var rebuilt = await RebuiltAsync(mixed);
        Assert.Equal((null, 1), (rebuilt.Problem, rebuilt.Mended.Length));
        var view = (await mixed.Run("x").DescribeAsync())!;
        Assert.Equal((null, (await first.Run("x").DescribeAsync())!.Head), (view.Pending, view.Head));
        Assert.Equal(SnapshotState.Aborted, (await mixed.Snapshot("x", new Sequence(2)).GetAsync())!.State);
    }

    [Fact]
    public async Task Who_asks_a_run_that_cannot_catch_up_again_and_again_costs_the_bucket_nothing()
    {
        var other = await StartAsync(new CiuicCluster());
        await SaveFirstAsync(other);
        var first = await StartAsync(new CiuicCluster());
        await SaveFirstAsync(first);
        var mixed = await OnAsync(first, other.Storage.Backup());
        for (var i = 0; i < 5; i++)
            await mixed.Run("x").DescribeAsync();
        Assert.Equal(8, mixed.Store.Lists.Count(l => l.StartsWith(BucketLayout.RunsPrefix, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_unknown_run_that_has_left_something_is_refused_before_a_long_ledger_is_read()
    {
        var first = await StartAsync(new CiuicCluster());
        await SaveFirstAsync(first);
        var second = await OnAsync(first, new SharedGrainStorage());
        await Assert.ThrowsAsync<ConflictException>(() => second.Run("x").OpenAsync(CiuicCluster.Open()));
        Assert.Single(second.Store.Lists, l => l.StartsWith(BucketLayout.RunsPrefix, StringComparison.Ordinal));
        Assert.DoesNotContain(second.Store.Reads, r => r.Contains("/block/", StringComparison.Ordinal));
        Assert.True((await second.Run("new").OpenAsync(CiuicCluster.Open())).Granted);
        Assert.Equal(2, second.Store.Lists.Count(l => l.StartsWith(BucketLayout.RunsPrefix, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_rebuild_brings_a_run_of_an_older_backup_up_to_the_ledger()
    {
        var first = await StartAsync(new CiuicCluster());
        var token = await SaveFirstAsync(first);
        var backup = first.Storage.Backup();
        await first.SaveAsync("x", token, 2);
        await first.QuietAsync("x");
        await first.Run("x").RollbackAsync(BackTo(1));
        await first.PublishAsync();
        var second = await OnAsync(first, backup);
        await second.Grains.GetGrain<IRebuildGrain>(TestBucket.Ledger).StartAsync(null);
        var view = await RebuiltAsync(second);
        Assert.Empty(view.Damaged);
        Assert.Equal(["x"], view.Mended.Concat(view.Kept)); // kept, where the run looked before the rebuild did
        Assert.Equal(1, (await second.Run("x").DescribeAsync())!.Head!.Sequence.Value);
    }

    [Fact]
    public async Task A_run_that_was_not_told_of_its_commit_yet_is_told_by_a_rebuild()
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
        Assert.Equal(["live"], rebuilt.Mended);
        Assert.Empty(rebuilt.Damaged);
        Assert.Equal(view.Sequence, (await cluster.QuietAsync("live")).Head!.Sequence);
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

    private static RollbackRequest BackTo(long sequence) =>
        new() { To = new Sequence(sequence), Reason = "diverged", Actor = "me", FenceLiveAttempt = true };

    private static bool IsChunk(ObjectKey key) => key.Path.StartsWith(BucketLayout.ChunksPrefix, StringComparison.Ordinal);

    private static async Task<FencingToken> SaveFirstAsync(CiuicCluster cluster)
    {
        var token = (await cluster.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        await cluster.SaveAsync("x", token, 1);
        await cluster.QuietAsync("x");
        return token;
    }

    private static async Task<Sequence> BeginSecondAsync(CiuicCluster cluster, FencingToken token)
    {
        var sequence = (await cluster.Run("x").BeginSnapshotAsync(token, CiuicCluster.Plan(2))).Sequence!.Value;
        var shard = await cluster.StoreShardAsync("x", sequence, 0, 2);
        await cluster.Snapshot("x", sequence).CompleteShardAsync(token, new Rank(0), shard);
        return sequence;
    }

    private static Task MarkAsync(CiuicCluster cluster, MarkKind kind, long sequence) => cluster.Run("x").MarkAsync(new MarkRequest
    {
        Kind = kind,
        Sequence = new Sequence(sequence),
        Tag = kind == MarkKind.Tag ? TagName.Parse("best") : null,
        Reason = "r",
        Actor = "me",
    });

    /// <summary>A silo on the same bucket with another database.</summary>
    private Task<CiuicCluster> OnAsync(CiuicCluster first, SharedGrainStorage storage) =>
        StartAsync(new CiuicCluster { Memory = first.Memory, Signer = first.Signer, Storage = storage });

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
