using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>The database is lost; the bucket alone brings everything back.</summary>
public sealed class RebuildTests : IAsyncLifetime
{
    private readonly CiuicCluster _before = new();
    private CiuicCluster? _after;
    private RunView? _view;
    private FencingToken _token;

    /// <summary>A run with two branches, a tag that has moved, a pin, and a snapshot that was never finished.</summary>
    public async ValueTask InitializeAsync()
    {
        await _before.InitializeAsync();
        var run = _before.Run("run");
        _token = (await run.OpenAsync(CiuicCluster.Open())).Lease.Token;
        for (var step = 1; step <= 4; step++)
            await _before.SaveAsync("run", _token, step);
        await _before.QuietAsync("run");
        await MarkAsync(_before, MarkKind.Tag, 4, "best");
        await MarkAsync(_before, MarkKind.Tag, 2, "best");
        await MarkAsync(_before, MarkKind.Tag, 3, "worst");
        await MarkAsync(_before, MarkKind.Untag, 3, "worst");
        await MarkAsync(_before, MarkKind.Pin, 3, null);
        await run.RollbackAsync(new RollbackRequest
        {
            To = new Sequence(2),
            Reason = "it diverged",
            Actor = "me",
            FenceLiveAttempt = true,
        });
        _token = (await run.OpenAsync(CiuicCluster.Open())).Lease.Token;
        await _before.SaveAsync("run", _token, 3);
        var begun = await run.BeginSnapshotAsync(_token, CiuicCluster.Plan(9));
        await _before.StoreShardAsync("run", begun.Sequence!.Value, 0, 9);
        await _before.SaveAsync("other", (await _before.Run("other").OpenAsync(CiuicCluster.Open())).Lease.Token, 1);
        await _before.QuietAsync("other");
        await _before.PublishAsync();
        _view = await run.DescribeAsync();
        _after = new CiuicCluster { Memory = _before.Memory };
        await _after.InitializeAsync();
    }

    [Fact]
    public async Task Runs_heads_tags_pins_and_history_come_back_and_training_goes_on()
    {
        var result = await RebuildAsync();
        Assert.Equal((null, 6L), (result.Problem, result.Snapshots));
        Assert.Equal(["other", "run"], result.Rebuilt);
        Assert.Empty(result.Damaged);
        var view = (await _after!.Run("run").DescribeAsync())!;
        Assert.Equal((_view!.Head, _view.HeadStep, _view.Committed), (view.Head, view.HeadStep, view.Committed));
        Assert.Equal(_view.Tags, view.Tags);
        Assert.Equal(_view.Pins, view.Pins);
        Assert.Null(view.Lease);
        Assert.Equal(_view.Pending, new Sequence(6)); // was begun and left bytes: its number is spent
        var history = await _after.EventsAsync("run");
        Assert.Equal(Enumerable.Range(1, history.Length).Select(i => (long)i), history.Select(e => e.Number));
        Assert.Equal(RunEventKind.Rebuilt, history[^1].Kind);
        Assert.Equal(Told(await _before.EventsAsync("run")), Told(history));

        var opened = await _after.Run("run").OpenAsync(CiuicCluster.Open());
        Assert.Equal(_view.Head, opened.Head);
        Assert.True(opened.Lease.Token.CompareTo(_token) > 0);
        var saved = await _after.SaveAsync("run", opened.Lease.Token, 4);
        Assert.Equal((7L, view.Head), (saved.Sequence.Value, saved.Order.Parent));
        Assert.Equal(6, (await _after.AuditAsync()).Runs.Single(r => r.Run.Value == "run").Intact);
    }

    [Fact]
    public async Task A_snapshot_tells_the_same_after_a_rebuild()
    {
        await RebuildAsync();
        for (var sequence = 1; sequence <= 5; sequence++)
        {
            var before = (await _before.Snapshot("run", new Sequence(sequence)).GetAsync())!;
            var after = (await _after!.Snapshot("run", new Sequence(sequence)).GetAsync())!;
            Assert.Equal((before.Link, before.Position, before.Bytes), (after.Link, after.Position, after.Bytes));
            Assert.Equal(before.Order.Plan.Metrics, after.Order.Plan.Metrics);
            Assert.Equal((before.Order.Token, before.Order.Parent), (after.Order.Token, after.Order.Parent));
        }
    }

    [Fact]
    public async Task Attempts_of_before_are_fenced()
    {
        await RebuildAsync();
        Assert.Equal(LeaseReply.Fenced, await _after!.Run("run").RenewAsync(_token));
        Assert.Equal(BeginOutcome.Fenced, (await _after.Run("run").BeginSnapshotAsync(_token, CiuicCluster.Plan(9))).Outcome);
        Assert.Equal(
            ShardReply.Fenced,
            await _after.Snapshot("run", new Sequence(6)).CompleteShardAsync(_token, new Rank(0), ShardDigest.Of("x"u8)));
    }

    [Fact]
    public async Task Before_a_rebuild_a_run_of_the_bucket_is_refused_and_says_what_to_do()
    {
        var error = await Assert.ThrowsAsync<ConflictException>(() => _after!.Run("run").OpenAsync(CiuicCluster.Open()));
        Assert.Contains("ciuic rebuild", error.Message);
        Assert.True((await _after!.Run("new").OpenAsync(CiuicCluster.Open())).Granted);
    }

    [Fact]
    public async Task Tokens_after_a_rebuild_are_above_all_that_were_given_and_the_clock_passes_them_soon()
    {
        await RebuildAsync();
        var token = (await _after!.Run("run").OpenAsync(CiuicCluster.Open())).Lease.Token;
        Assert.True(token.CompareTo(_token) > 0);
        var at = DateTimeOffset.FromUnixTimeMilliseconds((long)(token.Value / 1_024)); // tokens are times, 1,024 to a millisecond
        Assert.True(at < DateTimeOffset.UtcNow + TimeSpan.FromMinutes(2), $"{at:O}");
    }

    [Fact]
    public async Task A_rebuild_goes_on_behind_a_run_that_it_cannot_rebuild()
    {
        _after!.Storage.Arm(0, Fault.FailsBefore); // of the first one's snapshot
        var result = await RebuildAsync();
        Assert.True(_after.Storage.Happened);
        Assert.Contains("run other", result.Problem);
        Assert.Equal(["run"], result.Rebuilt);
        Assert.Equal(5, (await _after.Run("run").DescribeAsync())!.Committed);
        Assert.Equal(["other"], (await RebuildAsync()).Rebuilt);
    }

    [Fact]
    public async Task A_second_rebuild_changes_nothing()
    {
        await RebuildAsync();
        var view = await _after!.Run("run").DescribeAsync();
        var again = await RebuildAsync();
        Assert.Empty(again.Rebuilt);
        Assert.Equal(["other", "run"], again.Kept);
        Assert.Equal(view!.LastEvent, (await _after.Run("run").DescribeAsync())!.LastEvent);
    }

    [Theory]
    [InlineData(Fault.FailsBefore)]
    [InlineData(Fault.FailsAfter)]
    public async Task A_rebuild_that_is_interrupted_at_any_write_goes_on(Fault fault)
    {
        for (var write = 0; ; write++)
        {
            await using var cluster = new CiuicCluster { Memory = _before.Memory };
            await cluster.InitializeAsync();
            cluster.Storage.Arm(write, fault);
            var first = await RebuildAsync(cluster);
            if (!cluster.Storage.Happened)
            {
                Assert.True(write > 8);
                return;
            }

            Assert.NotNull(first.Problem);
            Assert.False(first.IsDamage);
            Assert.Null((await RebuildAsync(cluster)).Problem);
            var view = (await cluster.Run("run").DescribeAsync())!;
            Assert.Equal((_view!.Head, _view.Committed), (view.Head, view.Committed));
            Assert.Equal(Told(await _before.EventsAsync("run")), Told(await cluster.EventsAsync("run")));
        }
    }

    [Fact]
    public async Task A_damaged_manifest_leaves_the_snapshot_in_history_and_is_named()
    {
        var key = BucketLayout.Manifest(new SnapshotId(RunId.Parse("run"), new Sequence(3)));
        await _before.Memory.PutAsync(key, "no manifest"u8.ToArray(), default);
        var result = await RebuildAsync();
        Assert.Contains("run#3: the manifest of run#3 is damaged", Assert.Single(result.Damaged));
        Assert.Equal(5, (await _after!.Run("run").DescribeAsync())!.Committed);
        Assert.Equal(SnapshotState.Committed, (await _after.Snapshot("run", new Sequence(3)).GetAsync())!.State);
    }

    [Fact]
    public async Task A_damaged_ledger_rebuilds_nothing_and_names_the_height()
    {
        await _before.Memory.DeleteAsync(BucketLayout.Block(TestBucket.Ledger, 3), default);
        await foreach (var bundle in _before.Memory.ListAsync("ledgers/main/tile/entries/", default)) // or it would be read from there
            await _before.Memory.DeleteAsync(bundle.Key, default);
        var result = await RebuildAsync();
        Assert.True(result.IsDamage);
        Assert.Contains("block 3", result.Problem);
        Assert.Empty(result.Rebuilt);
    }

    public async ValueTask DisposeAsync()
    {
        await _before.DisposeAsync();
        await _after!.DisposeAsync();
    }

    private Task<RebuildView> RebuildAsync() => RebuildAsync(_after!);

    private static async Task<RebuildView> RebuildAsync(CiuicCluster cluster)
    {
        var rebuild = cluster.Grains.GetGrain<IRebuildGrain>(TestBucket.Ledger);
        await rebuild.StartAsync(null);
        while (true)
        {
            if (await rebuild.DescribeAsync() is { IsOver: true } over)
                return over;
            await Task.Delay(10);
        }
    }

    /// <summary>What history says of snapshots; attempts and unfinished saves leave no trace in the bucket.</summary>
    private static List<(RunEventKind, Sequence?, long?, ManifestDigest?, Sequence?, string?)> Told(RunEvent[] events) => events
        .Where(e => e.Kind is not (RunEventKind.Opened or RunEventKind.Closed or RunEventKind.Begun or RunEventKind.Uploaded
            or RunEventKind.Verified or RunEventKind.Aborted or RunEventKind.Rebuilt))
        .Select(e => (e.Kind, e.Sequence, e.Step, e.Manifest, e.Parent, e.Detail))
        .ToList();

    private static async Task MarkAsync(CiuicCluster cluster, MarkKind kind, long sequence, string? tag)
    {
        var reply = await cluster.Run("run").MarkAsync(new MarkRequest
        {
            Kind = kind,
            Sequence = new Sequence(sequence),
            Tag = tag is null ? null : TagName.Parse(tag),
            Reason = "test",
            Actor = "me",
        });
        Assert.Equal(MarkOutcome.Done, reply.Outcome);
    }
}
