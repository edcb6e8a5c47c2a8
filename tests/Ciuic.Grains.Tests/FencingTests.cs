using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

public sealed class FencingTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>
{
    [Fact]
    public async Task A_rank_that_has_left_keeps_nobody_from_beginning_and_does_not_come_back_to_its_attempt()
    {
        var (run, attempt) = (cluster.Run("left"), Guid.NewGuid());
        var (first, second) = (RankOf(attempt, 0), RankOf(attempt, 1));
        var token = (await run.OpenAsync(first)).Lease.Token;
        await run.OpenAsync(second);
        await run.ReadyAsync(token, second.Member, null);
        Assert.Equal(ReadyOutcome.Ready, (await run.ReadyAsync(token, first.Member, null)).Outcome);
        await run.CloseAsync(token, first.Member);
        // All were ready, and this rank is told so: what it trains alone is not committed without the other one's shard.
        Assert.Equal(ReadyOutcome.Ready, (await run.ReadyAsync(token, second.Member, null)).Outcome);
        Assert.Contains("rank 0 has left this attempt", (await run.OpenAsync(RankOf(attempt, 0))).Misfit);
        await run.CloseAsync(token, second.Member);
        Assert.True((await run.OpenAsync(RankOf(Guid.NewGuid(), 0))).Granted);
    }

    [Fact]
    public async Task A_launcher_that_starts_all_ranks_again_under_one_name_begins_a_new_start_with_the_first_that_comes()
    {
        var (run, attempt) = (cluster.Run("relaunched"), Guid.NewGuid());
        OpenRequest[] old = [Relaunched(attempt, 0), Relaunched(attempt, 1)];
        var token = (await run.OpenAsync(old[0])).Lease.Token;
        Assert.Equal(token, (await run.OpenAsync(old[1])).Lease.Token);
        await ReadyAsync(run, token, old);

        OpenRequest[] next = [Relaunched(attempt, 0), Relaunched(attempt, 1)];
        var newer = (await run.OpenAsync(next[1])).Lease.Token;
        Assert.True(newer.CompareTo(token) > 0);
        Assert.Equal(newer, (await run.OpenAsync(next[1])).Lease.Token); // asked again after a lost answer
        Assert.Equal(BeginOutcome.Fenced, (await run.BeginSnapshotAsync(token, CiuicCluster.Plan(1, 2) with { Save = 1 })).Outcome);
        Assert.True((await run.OpenAsync(old[0] with { Joined = token })).IsOver);
        Assert.Equal(newer, (await run.OpenAsync(next[0])).Lease.Token);
        await ReadyAsync(run, newer, next);
    }

    [Fact]
    public async Task A_process_that_was_to_be_killed_and_came_late_is_replaced_where_nobody_has_trained()
    {
        var (run, attempt) = (cluster.Run("late"), Guid.NewGuid());
        var (first, late, second) = (Relaunched(attempt, 0), Relaunched(attempt, 1), Relaunched(attempt, 1));
        var token = (await run.OpenAsync(first)).Lease.Token;
        await run.OpenAsync(late);
        await run.ReadyAsync(token, late.Member, null);
        Assert.Equal(token, (await run.OpenAsync(second)).Lease.Token);
        Assert.Equal(1, Assert.Single((await run.ReadyAsync(token, first.Member, null)).MissingRanks));
        Assert.Equal(ReadyOutcome.Fenced, (await run.ReadyAsync(token, late.Member, null)).Outcome);
        Assert.True((await run.OpenAsync(late with { Joined = token })).IsOver);
        await run.CloseAsync(token, late.Member); // its SIGTERM takes nobody along
        await ReadyAsync(run, token, [first, second]);
    }

    [Fact]
    public async Task A_launcher_may_come_back_with_more_ranks_or_after_all_have_left()
    {
        var (run, attempt) = (cluster.Run("more"), Guid.NewGuid());
        var alone = Relaunched(attempt, 0) with { WorldSize = 1 };
        var token = (await run.OpenAsync(alone)).Lease.Token;
        var wider = await run.OpenAsync(Relaunched(attempt, 1));
        Assert.True(wider.Granted && wider.Lease.Token.CompareTo(token) > 0);
        Assert.True((await run.OpenAsync(Relaunched(attempt, 0))).Granted);
    }

    [Fact]
    public async Task After_a_rollback_the_ranks_of_a_start_come_back_to_it_and_those_of_an_older_one_do_not()
    {
        var (run, attempt) = (cluster.Run("came-back"), Guid.NewGuid());
        var saving = (await run.OpenAsync(CiuicCluster.Open())).Lease.Token;
        var saved = await cluster.SaveAsync("came-back", saving, 1);
        await run.CloseAsync(saving, CiuicCluster.Alone);
        OpenRequest[] old = [Relaunched(attempt, 0), Relaunched(attempt, 1)], ranks = [Relaunched(attempt, 0), Relaunched(attempt, 1)];
        var before = (await run.OpenAsync(old[0])).Lease.Token;
        await run.OpenAsync(old[1]);
        await ReadyAsync(run, before, old, saved.Link);
        var token = (await run.OpenAsync(ranks[1])).Lease.Token;
        await run.OpenAsync(ranks[0]);
        var rollback = new RollbackRequest { To = saved.Sequence, Reason = "test", Actor = "test", FenceLiveAttempt = true };
        Assert.Equal(RollbackOutcome.Done, (await run.RollbackAsync(rollback)).Outcome);
        Assert.True((await run.OpenAsync(old[0] with { Joined = before })).IsOver);
        var back = await Task.WhenAll(ranks.Select(r => run.OpenAsync(r with { Joined = token })));
        Assert.All(back, r => Assert.True(r.Granted));
        Assert.Single(back.Select(r => r.Lease.Token).Distinct());
    }

    private static OpenRequest RankOf(Guid attempt, int rank) =>
        CiuicCluster.Open(worldSize: 2) with { Attempt = attempt, Rank = new Rank(rank), Process = Guid.NewGuid() };

    private static OpenRequest Relaunched(Guid attempt, int rank) => RankOf(attempt, rank) with { NameOutlivesStarts = true };

    private static async Task ReadyAsync(IRunGrain run, FencingToken token, OpenRequest[] ranks, SnapshotLink? restored = null)
    {
        foreach (var rank in ranks[..^1])
            await run.ReadyAsync(token, rank.Member, restored);
        Assert.Equal(ReadyOutcome.Ready, (await run.ReadyAsync(token, ranks[^1].Member, restored)).Outcome);
    }

    [Fact]
    public async Task A_second_attempt_is_refused_while_the_lease_is_live_and_told_who_holds_it()
    {
        var first = await cluster.Run("second").OpenAsync(CiuicCluster.Open());
        var second = await cluster.Run("second").OpenAsync(CiuicCluster.Open());
        Assert.True(first.Granted);
        Assert.False(second.Granted);
        Assert.Equal(first.Lease, second.Lease);
    }

    [Fact]
    public async Task Commit_with_an_old_fencing_token_is_refused()
    {
        var old = (await cluster.Run("old").OpenAsync(CiuicCluster.Open())).Lease.Token;
        var newer = (await cluster.Run("old").OpenAsync(CiuicCluster.Open(takeOver: old))).Lease.Token;
        Assert.True(newer.CompareTo(old) > 0);
        Assert.Equal(BeginOutcome.Fenced, (await cluster.Run("old").BeginSnapshotAsync(old, CiuicCluster.Plan(1))).Outcome);
        Assert.Equal(LeaseReply.Fenced, await cluster.Run("old").RenewAsync(old));
        Assert.Equal(LeaseReply.Fenced, await cluster.Run("old").CloseAsync(old, CiuicCluster.Alone));
        var sequence = (await cluster.Run("old").BeginSnapshotAsync(newer, CiuicCluster.Plan(1))).Sequence!.Value;
        var shard = await cluster.StoreShardAsync("old", sequence, 0, 1);
        Assert.Equal(ShardReply.Fenced, await cluster.Snapshot("old", sequence).CompleteShardAsync(old, new Rank(0), shard));
    }

    [Fact]
    public async Task Two_impatient_newcomers_do_not_fence_each_other()
    {
        var old = (await cluster.Run("impatient").OpenAsync(CiuicCluster.Open())).Lease.Token;
        var replies = await Task.WhenAll(
            cluster.Run("impatient").OpenAsync(CiuicCluster.Open(takeOver: old)),
            cluster.Run("impatient").OpenAsync(CiuicCluster.Open(takeOver: old)));
        Assert.Single(replies, r => r.Granted);
    }

    [Fact]
    public async Task A_snapshot_whose_shards_are_incomplete_is_aborted_by_the_next_attempt_naming_the_ranks()
    {
        var token = (await cluster.Run("half").OpenAsync(CiuicCluster.Open(worldSize: 3))).Lease.Token;
        var sequence = (await cluster.Run("half").BeginSnapshotAsync(token, CiuicCluster.Plan(1, 3))).Sequence!.Value;
        var shard = await cluster.StoreShardAsync("half", sequence, 1, 1);
        await cluster.Snapshot("half", sequence).CompleteShardAsync(token, new Rank(1), shard);
        var next = await cluster.Run("half").OpenAsync(CiuicCluster.Open(takeOver: token));
        Assert.Null(next.Head);
        var view = await cluster.Snapshot("half", sequence).GetAsync();
        Assert.Equal(SnapshotState.Aborted, view!.State);
        Assert.Contains("ranks 0, 2", view.Reason);
        Assert.Equal(ShardReply.Aborted, await cluster.Snapshot("half", sequence).CompleteShardAsync(token, new Rank(0), shard));
    }

    [Fact]
    public async Task A_complete_snapshot_of_a_dead_attempt_is_the_head_that_the_next_one_gets()
    {
        var token = (await cluster.Run("complete").OpenAsync(CiuicCluster.Open())).Lease.Token;
        var sequence = (await cluster.Run("complete").BeginSnapshotAsync(token, CiuicCluster.Plan(1))).Sequence!.Value;
        var shard = await cluster.StoreShardAsync("complete", sequence, 0, 1);
        await cluster.Snapshot("complete", sequence).CompleteShardAsync(token, new Rank(0), shard);
        var next = await cluster.Run("complete").OpenAsync(CiuicCluster.Open(takeOver: token));
        Assert.Equal(sequence, next.Head?.Sequence);
    }

    [Fact]
    public async Task A_snapshot_that_was_promised_but_never_begun_cannot_begin_after_the_next_attempt()
    {
        var id = new SnapshotId(RunId.Parse("promised"), Sequence.First);
        var order = new SnapshotOrder
        {
            Plan = CiuicCluster.Plan(1),
            Token = new FencingToken(1),
            Parent = null,
            CreatedAt = Samples.Time,
        };
        var snapshot = cluster.Snapshot("promised", id.Sequence);
        Assert.Equal(SnapshotState.Aborted, (await snapshot.SettleAsync(order, "a new attempt")).State);
        await snapshot.BeginAsync(order);
        Assert.Equal(SnapshotState.Aborted, (await snapshot.GetAsync())!.State);
    }

    [Fact]
    public async Task Rollback_moves_the_head_keeps_both_branches_and_stands_in_the_ledger()
    {
        var run = cluster.Run("back");
        var token = (await run.OpenAsync(CiuicCluster.Open())).Lease.Token;
        for (var step = 1; step <= 3; step++)
        {
            await cluster.SaveAsync("back", token, step);
            await cluster.QuietAsync("back");
        }

        var request = new RollbackRequest { To = new Sequence(1), Reason = "diverged", Actor = "test", FenceLiveAttempt = false };
        Assert.Equal(RollbackOutcome.Leased, (await run.RollbackAsync(request)).Outcome);
        var reply = await run.RollbackAsync(request with { FenceLiveAttempt = true });
        Assert.Equal((RollbackOutcome.Done, 1L), (reply.Outcome, reply.View.Head!.Sequence.Value));
        Assert.Equal(BeginOutcome.Fenced, (await run.BeginSnapshotAsync(token, CiuicCluster.Plan(9))).Outcome);
        var next = await run.OpenAsync(CiuicCluster.Open());
        Assert.Equal(1, next.Head!.Sequence.Value);
        await cluster.SaveAsync("back", next.Lease.Token, 2);
        var head = (await cluster.QuietAsync("back")).Head!;
        Assert.Equal(4, head.Sequence.Value);
        var audited = (await cluster.AuditAsync()).Runs.Single(r => r.Run.Value == "back");
        Assert.Equal((4, 1, head), (audited.Snapshots, audited.Rollbacks, audited.Head));
    }

    [Fact]
    public async Task A_rollback_asked_for_twice_is_one_record()
    {
        var run = cluster.Run("once");
        var token = (await run.OpenAsync(CiuicCluster.Open())).Lease.Token;
        await cluster.SaveAsync("once", token, 1);
        await cluster.QuietAsync("once");
        await cluster.SaveAsync("once", token, 2);
        await run.CloseAsync(token, CiuicCluster.Alone);
        var request = new RollbackRequest { To = new Sequence(1), Reason = "x", Actor = "test", FenceLiveAttempt = false };
        await run.RollbackAsync(request);
        await run.RollbackAsync(request);
        Assert.Single(await cluster.EventsAsync("once"), e => e.Kind == RunEventKind.RolledBack);
    }

    [Fact]
    public async Task Rollback_to_what_is_not_committed_or_without_a_reason_is_refused()
    {
        var run = cluster.Run("refused");
        await run.OpenAsync(CiuicCluster.Open());
        var request = new RollbackRequest { To = new Sequence(7), Reason = "x", Actor = "test", FenceLiveAttempt = true };
        Assert.Equal(RollbackOutcome.NotFound, (await run.RollbackAsync(request)).Outcome);
        await Assert.ThrowsAsync<InvalidInputException>(() => run.RollbackAsync(request with { Reason = " " }));
        await Assert.ThrowsAsync<InvalidInputException>(() => run.RollbackAsync(request with { Reason = new string('x', 1_001) }));
    }
}
