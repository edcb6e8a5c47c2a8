using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>What is acknowledged was read back, and what is refused was looked at more than once.</summary>
public sealed class VerificationTests : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly CiuicCluster _cluster = new();

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    [Fact]
    public async Task A_root_manifest_that_the_store_garbled_as_it_took_it_is_never_committed()
    {
        var token = await OpenAsync("garbled");
        _cluster.Store.Garbled = key => key.Path.StartsWith("runs/garbled/1/manifest", StringComparison.Ordinal);
        var view = await _cluster.SaveAsync("garbled", token, 1);
        Assert.Equal(SnapshotState.Aborted, view.State);
        Assert.Contains("runs/garbled/1/manifest", view.Reason);
        await _cluster.QuietAsync("garbled");
        Assert.Equal(SnapshotState.Committed, (await _cluster.SaveAsync("garbled", token, 2)).State);
        await _cluster.AuditAsync();
    }

    [Theory]
    [InlineData("manifest")]
    [InlineData("shard-0")]
    [InlineData("chunks/")]
    public async Task What_the_store_does_not_find_once_and_then_does_is_no_damage(string what)
    {
        var run = "odd-" + what.Trim('/');
        var token = await OpenAsync(run);
        var isFirst = true;
        _cluster.Store.Hidden = key => Matches(key, run, what) && Interlocked.Exchange(ref isFirst, false);
        Assert.Equal(SnapshotState.Committed, (await _cluster.SaveAsync(run, token, 1)).State);
        Assert.False(isFirst);
    }

    [Fact]
    public async Task A_store_that_cannot_be_read_aborts_nothing_until_the_deadline()
    {
        var token = await OpenAsync("unreadable");
        var tries = new TaskCompletionSource();
        var count = 0;
        _cluster.Store.Unreadable = key =>
        {
            if (!Matches(key, "unreadable", "chunks/"))
                return false;
            if (Interlocked.Increment(ref count) == 12)
                tries.TrySetResult(); // more often than one batch is tried
            return true;
        };
        var (sequence, shard) = await StoreAsync("unreadable", token, 1);
        await _cluster.Snapshot("unreadable", sequence).CompleteShardAsync(token, new Rank(0), shard);
        await tries.Task.WaitAsync(Soon);
        var view = await _cluster.Snapshot("unreadable", sequence).GetAsync();
        Assert.Equal(SnapshotState.Uploaded, view!.State);
        _cluster.Store.Unreadable = null;
        Assert.Equal(SnapshotState.Committed, (await _cluster.SettledAsync("unreadable", sequence)).State);
    }

    [Fact]
    public async Task One_chunk_that_could_not_be_read_once_is_read_again_and_the_others_are_not()
    {
        _cluster.Snapshots.VerifyBatch = 1;
        var token = await OpenAsync("once");
        var (sequence, shard) = await StoreAsync("once", token, 1);
        var keys = await ChunksAsync("once", sequence);
        Assert.True(keys.Count >= 3);
        var left = 7; // more often than one batch is tried: the verification as a whole is tried again
        _cluster.Store.Unreadable = key => key.Path == keys[0] && Interlocked.Decrement(ref left) >= 0;
        _cluster.Store.Reads.Clear();
        await _cluster.Snapshot("once", sequence).CompleteShardAsync(token, new Rank(0), shard);
        Assert.Equal(SnapshotState.Committed, (await _cluster.SettledAsync("once", sequence)).State);
        var reads = _cluster.Store.Reads.ToArray(); // the ledger's publisher reads on
        Assert.Equal(8, reads.Count(r => r == keys[0]));
        Assert.All(keys.Skip(1), key => Assert.Single(reads, r => r == key));
    }

    [Fact]
    public async Task What_kept_a_verification_from_going_on_is_forgotten_when_it_goes_on()
    {
        var token = await OpenAsync("goes-on");
        var (sequence, shard) = await StoreAsync("goes-on", token, 1);
        var key = (await ChunksAsync("goes-on", sequence))[0];
        var (failed, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        _cluster.Store.Unreadable = k => k.Path == key && !failed.Task.IsCompleted;
        _cluster.Store.ReadsHeld = k => k.Path == key && failed.Task.IsCompleted ? gate.Task : Task.CompletedTask;
        var snapshot = _cluster.Snapshot("goes-on", sequence);
        await snapshot.CompleteShardAsync(token, new Rank(0), shard);
        await UntilAsync(async () => (await snapshot.GetAsync())!.Problem?.Contains(key, StringComparison.Ordinal) == true);
        failed.SetResult();
        gate.SetResult();
        Assert.Equal(SnapshotState.Committed, (await _cluster.SettledAsync("goes-on", sequence)).State);
    }

    [Fact]
    public async Task Many_ranks_that_come_at_once_are_stored_in_few_writes()
    {
        const int Ranks = 96;
        var token = (await _cluster.Run("many").OpenAsync(CiuicCluster.Open(worldSize: Ranks))).Lease.Token;
        var sequence = (await _cluster.Run("many").BeginSnapshotAsync(token, CiuicCluster.Plan(1, Ranks))).Sequence!.Value;
        var shards = new List<ShardDigest>();
        for (var rank = 0; rank < Ranks; rank++)
            shards.Add(await _cluster.StoreShardAsync("many", sequence, rank, rank));
        var before = Writes();
        var replies = await Task.WhenAll(shards.Index().Select(s =>
            _cluster.Snapshot("many", sequence).CompleteShardAsync(token, new Rank(s.Index), s.Item)));
        Assert.All(replies, r => Assert.Equal(ShardReply.Accepted, r));
        Assert.Equal(SnapshotState.Committed, (await _cluster.SettledAsync("many", sequence)).State);
        var written = Writes() - before;
        Assert.True(written <= 8, $"{written} writes"); // it was one for each rank

        int Writes() => _cluster.Storage.Writes.Count(w => w.StartsWith("snapshot/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_rank_that_asks_again_while_its_shard_is_taken_gets_the_same_answer()
    {
        var token = (await _cluster.Run("again").OpenAsync(CiuicCluster.Open(worldSize: 2))).Lease.Token;
        var sequence = (await _cluster.Run("again").BeginSnapshotAsync(token, CiuicCluster.Plan(1, 2))).Sequence!.Value;
        var shards = new[] { await _cluster.StoreShardAsync("again", sequence, 0, 1), await _cluster.StoreShardAsync("again", sequence, 1, 2) };
        var snapshot = _cluster.Snapshot("again", sequence);
        var replies = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(i => snapshot.CompleteShardAsync(token, new Rank(i % 2), shards[i % 2])));
        Assert.All(replies, r => Assert.Equal(ShardReply.Accepted, r));
        Assert.Equal(SnapshotState.Committed, (await _cluster.SettledAsync("again", sequence)).State);
        Assert.Equal(ShardReply.Conflict, await snapshot.CompleteShardAsync(token, new Rank(0), shards[1]));
    }

    [Fact]
    public async Task A_reason_is_not_as_long_as_somebody_likes()
    {
        var token = await OpenAsync("reason");
        var (sequence, _) = await StoreAsync("reason", token, 1);
        await _cluster.Snapshot("reason", sequence).AbandonShardAsync(token, new Rank(0), new string('x', 1 << 20));
        var view = await _cluster.SettledAsync("reason", sequence);
        Assert.Equal(LedgerRecord.MaxReasonLength, view.Reason!.Length);
    }

    [Fact]
    public async Task An_error_of_a_library_that_the_caller_does_not_have_is_told_in_our_words()
    {
        _cluster.Storage.Unreadable = row => row.Contains("foreign", StringComparison.Ordinal) ? new Xunit.Sdk.XunitException("of another library") : null;
        var error = await Assert.ThrowsAnyAsync<Exception>(() => _cluster.Run("foreign").DescribeAsync());
        Assert.Contains("of another library", error.ToString());
        Assert.DoesNotContain("codec", error.ToString(), StringComparison.OrdinalIgnoreCase);
        _cluster.Storage.Unreadable = null;
        Assert.Null(await _cluster.Run("foreign").DescribeAsync());
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    private async Task<FencingToken> OpenAsync(string run) => (await _cluster.Run(run).OpenAsync(CiuicCluster.Open())).Lease.Token;

    private async Task<(Sequence, ShardDigest)> StoreAsync(string run, FencingToken token, long step)
    {
        var sequence = (await _cluster.Run(run).BeginSnapshotAsync(token, CiuicCluster.Plan(step))).Sequence!.Value;
        return (sequence, await _cluster.StoreShardAsync(run, sequence, 0, run.Sum(c => c)));
    }

    private async Task<List<string>> ChunksAsync(string run, Sequence sequence)
    {
        var key = BucketLayout.Shard(new SnapshotId(RunId.Parse(run), sequence), new Rank(0));
        var shard = ManifestCodec.DecodeShard(await _cluster.Memory.GetAsync(key, CancellationToken.None));
        return [.. shard.Chunks.Select(c => BucketLayout.Chunk(c).Path)];
    }

    private static bool Matches(ObjectKey key, string run, string what) => what.EndsWith('/')
        ? key.Path.StartsWith(what, StringComparison.Ordinal)
        : key.Path.StartsWith($"runs/{run}/1/{what}", StringComparison.Ordinal);

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var deadline = new CancellationTokenSource(Soon);
        while (!await holds())
            await Task.Delay(20, deadline.Token);
    }
}
