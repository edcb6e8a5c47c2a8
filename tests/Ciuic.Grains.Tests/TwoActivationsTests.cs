using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>
/// Two clusters on one database are two activations of each grain: what a silo does for a while that was declared dead, or whose
/// directory was lost. The one that was left behind tells nobody old news.
/// </summary>
public sealed class TwoActivationsTests : Clusters
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(200);

    private CiuicCluster _behind = null!;
    private CiuicCluster _ahead = null!;
    private FencingToken _token;
    private Sequence _sequence;

    [Fact]
    public async Task A_snapshot_that_another_activation_committed_is_committed()
    {
        await BeginAsync();
        await CommitAsync();
        Assert.Equal(SnapshotState.Committed, (await _behind.Snapshot("x", _sequence).GetAsync())!.State);
    }

    [Fact]
    public async Task Who_waits_at_the_activation_that_was_left_behind_is_told_in_the_end()
    {
        await BeginAsync();
        var waiting = _behind.Snapshot("x", _sequence).WaitAsync(TimeSpan.FromSeconds(3));
        await CommitAsync();
        Assert.Equal(SnapshotState.Committed, (await waiting)!.State);
    }

    [Fact]
    public async Task A_snapshot_that_was_asked_for_before_it_was_begun_elsewhere_is_found()
    {
        await StartAsync();
        Assert.Null(await _behind.Snapshot("x", Sequence.First).GetAsync());
        _token = (await _ahead.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        _sequence = (await _ahead.Run("x").BeginSnapshotAsync(_token, CiuicCluster.Plan(1))).Sequence!.Value;
        Assert.Equal(SnapshotState.Pending, (await _behind.Snapshot("x", Sequence.First).GetAsync())!.State);
        Assert.Contains("x", (await ListAsync(_behind)).Select(r => r.Value));
    }

    [Fact]
    public async Task A_run_shows_the_head_and_the_events_that_another_activation_wrote()
    {
        await BeginAsync();
        Assert.Null((await _behind.Run("x").DescribeAsync())!.Head);
        var known = await _behind.Run("x").WaitEventAsync(1_000, Soon);
        await CommitAsync();
        var next = await _behind.Run("x").ReadEventsAsync(known + 1, 100);
        Assert.Equal(RunEventKind.Committed, next[^1].Kind);
        Assert.Equal(_sequence, (await _behind.Run("x").DescribeAsync())!.Head!.Sequence);
    }

    [Fact]
    public async Task What_another_activation_began_is_not_taken_for_an_older_backup()
    {
        await StartAsync();
        Assert.Null(await _behind.Run("x").DescribeAsync());
        _token = (await _ahead.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        _sequence = (await _ahead.Run("x").BeginSnapshotAsync(_token, CiuicCluster.Plan(1))).Sequence!.Value;
        await CommitAsync();
        var begun = await AskingAgainAsync(() => _behind.Run("x").BeginSnapshotAsync(_token, CiuicCluster.Plan(2)));
        Assert.Equal(BeginOutcome.Begun, begun.Outcome);
    }

    [Fact]
    public async Task What_another_activation_decided_is_neither_refused_nor_taken_for_done()
    {
        await BeginAsync();
        await CommitAsync();
        var first = _sequence;
        var taken = await AskingAgainAsync(() => _behind.Run("x").OpenAsync(CiuicCluster.Open(takeOver: _token)));
        Assert.True(taken.Granted);
        var begun = await AskingAgainAsync(() => _ahead.Run("x").BeginSnapshotAsync(taken.Lease.Token, CiuicCluster.Plan(2)));
        (_token, _sequence) = (taken.Lease.Token, begun.Sequence!.Value);
        await CommitAsync();
        await _ahead.Run("x").CloseAsync(_token, CiuicCluster.Alone);
        // The head that was left behind is the one to go back to: only who looks knows that there is something to do.
        var back = new RollbackRequest { To = first, Reason = "r", Actor = "me", FenceLiveAttempt = false };
        Assert.Equal(RollbackOutcome.Done, (await AskingAgainAsync(() => _behind.Run("x").RollbackAsync(back))).Outcome);
        Assert.Equal(first, (await _ahead.Run("x").DescribeAsync())!.Head!.Sequence);
    }

    [Fact]
    public async Task A_rank_that_came_elsewhere_is_not_fenced()
    {
        await StartAsync();
        var (attempt, first) = (Guid.NewGuid(), CiuicCluster.Open(worldSize: 2));
        var second = first with { Rank = new Rank(1), Process = Guid.NewGuid() };
        (first, second) = (first with { Attempt = attempt }, second with { Attempt = attempt });
        _token = (await _behind.Run("x").OpenAsync(first)).Lease.Token;
        await _ahead.Run("x").OpenAsync(second);
        var ready = await AskingAgainAsync(() => _behind.Run("x").ReadyAsync(_token, second.Member, null));
        Assert.Equal((ReadyOutcome.Waiting, 0), (ready.Outcome, Assert.Single(ready.MissingRanks)));
    }

    [Fact]
    public async Task A_commit_that_is_told_to_a_run_left_behind_reaches_it_in_the_end()
    {
        await StartAsync();
        Assert.Null(await _behind.Run("x").DescribeAsync());
        _token = (await _ahead.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        _sequence = (await _ahead.Run("x").BeginSnapshotAsync(_token, CiuicCluster.Plan(1))).Sequence!.Value;
        var shard = await _behind.StoreShardAsync("x", _sequence, 0, 1);
        await AskingAgainAsync(() => _behind.Snapshot("x", _sequence).CompleteShardAsync(_token, new Rank(0), shard)); // which tells its own run
        await _behind.SettledAsync("x", _sequence);
        Assert.Equal(_sequence, (await _behind.QuietAsync("x").WaitAsync(TimeSpan.FromSeconds(20))).Head!.Sequence);
    }

    [Fact]
    public async Task A_shard_that_comes_while_the_snapshot_is_asked_for_is_kept()
    {
        await StartAsync();
        _token = (await _behind.Run("x").OpenAsync(CiuicCluster.Open(worldSize: 2))).Lease.Token;
        _sequence = (await _behind.Run("x").BeginSnapshotAsync(_token, CiuicCluster.Plan(1, 2))).Sequence!.Value;
        var shards = new[] { await _behind.StoreShardAsync("x", _sequence, 0, 1), await _behind.StoreShardAsync("x", _sequence, 1, 2) };
        await _ahead.Snapshot("x", _sequence).CompleteShardAsync(_token, new Rank(1), shards[1]);
        using var slow = _behind.Storage.HoldReads();
        var asking = _behind.Snapshot("x", _sequence).GetAsync(); // reads, and holds up who writes
        var completing = AskingAgainAsync(() => _behind.Snapshot("x", _sequence).CompleteShardAsync(_token, new Rank(0), shards[0]));
        await Task.Delay(Soon);
        slow.Dispose();
        Assert.Empty((await asking)!.MissingRanks.Except([0]));
        Assert.Equal(ShardReply.Accepted, await completing);
        Assert.Equal(SnapshotState.Committed, (await _behind.SettledAsync("x", _sequence)).State);
    }

    [Fact]
    public async Task A_page_of_history_is_read_again_until_it_is_full()
    {
        await StartAsync();
        var events = Enumerable.Range(1, 3).Select(n => new RunEvent
        {
            Number = n,
            Run = RunId.Parse("x"),
            Kind = RunEventKind.Opened,
            At = Samples.Time,
            Token = new FencingToken(1),
        }).ToArray();
        await _behind.Grains.GetGrain<IHistoryPageGrain>("x/0").AppendAsync(events[..2]);
        await _ahead.Grains.GetGrain<IHistoryPageGrain>("x/0").AppendAsync(events);
        Assert.Equal(3, (await _behind.Grains.GetGrain<IHistoryPageGrain>("x/0").ReadAsync()).Length);
    }

    /// <summary>What clients do.</summary>
    private static async Task<T> AskingAgainAsync<T>(Func<Task<T>> ask)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                return await ask();
            }
            catch (UnavailableException) when (tries < 50)
            {
                await Task.Delay(20);
            }
        }
    }

    private static async Task<IEnumerable<RunId>> ListAsync(CiuicCluster cluster) =>
        await cluster.Grains.GetGrain<ICatalogueGrain>(ICatalogueGrain.ShelfOf(RunId.Parse("x"))).ListAsync();

    private async Task StartAsync()
    {
        _behind = await StartAsync(new CiuicCluster());
        _ahead = await StartAsync(new CiuicCluster { Memory = _behind.Memory, Signer = _behind.Signer, Storage = _behind.Storage });
        Assert.Empty(await ListAsync(_behind));
    }

    private async Task BeginAsync()
    {
        await StartAsync();
        _token = (await _behind.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        _sequence = (await _behind.Run("x").BeginSnapshotAsync(_token, CiuicCluster.Plan(1))).Sequence!.Value;
        Assert.Equal(SnapshotState.Pending, (await _behind.Snapshot("x", _sequence).GetAsync())!.State);
    }

    private async Task CommitAsync()
    {
        var shard = await _ahead.StoreShardAsync("x", _sequence, 0, 1);
        Assert.Equal(ShardReply.Accepted, await _ahead.Snapshot("x", _sequence).CompleteShardAsync(_token, new Rank(0), shard));
        Assert.Equal(SnapshotState.Committed, (await _ahead.SettledAsync("x", _sequence)).State);
        await _ahead.QuietAsync("x");
    }
}
