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
        Assert.Equal(BeginOutcome.Begun, (await _behind.Run("x").BeginSnapshotAsync(_token, CiuicCluster.Plan(2))).Outcome);
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
