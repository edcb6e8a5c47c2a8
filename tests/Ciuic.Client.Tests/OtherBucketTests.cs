using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

/// <summary>A trainer that sees another bucket than the silo: a lagging copy, a mount that shows nothing.</summary>
public sealed class OtherBucketTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>
{
    private readonly TestChain _chain = new(cluster);

    [Fact]
    public async Task A_head_that_is_damaged_here_only_is_not_rolled_back_and_the_error_says_where_to_look()
    {
        await _chain.SaveStepsAsync("here-only", 1, 2);
        var id = new SnapshotId(RunId.Parse("here-only"), new Sequence(2));
        var shard = ManifestCodec.DecodeShard(await cluster.Memory.GetAsync(BucketLayout.Shard(id, new Rank(0)), CancellationToken.None));
        var copy = await CopyAsync(key => key != BucketLayout.Chunk(shard.Chunks[0]));
        await using var run = await OpenAsync("here-only", copy);
        var error = await Assert.ThrowsAsync<ConflictException>(() => run.Track(new TrackedArray(Elements)).ResumeAsync());
        Assert.Contains("the silo reads #2 whole", error.Message);
        Assert.Contains("is missing", error.Message); // what this machine has found
        Assert.Equal(2, (await cluster.QuietAsync("here-only")).HeadStep);
        Assert.DoesNotContain(await cluster.EventsAsync("here-only"), e => e.Kind == RunEventKind.RolledBack);
    }

    [Fact]
    public async Task A_copy_in_which_the_newest_block_is_missing_takes_nobody_back()
    {
        await _chain.SaveStepsAsync("lagging", 1, 2);
        var position = (await cluster.Snapshot("lagging", new Sequence(2)).GetAsync())!.Position!.Value;
        var copy = await CopyAsync(key => !key.Path.StartsWith("runs/lagging/2/", StringComparison.Ordinal)
            && key != BucketLayout.Block(TestBucket.Ledger, position.Height)
            && !key.Path.Contains("/tile/entries/", StringComparison.Ordinal));
        await using var run = await OpenAsync("lagging", copy);
        var error = await Assert.ThrowsAsync<UnavailableException>(() => run.Track(new TrackedArray(Elements)).ResumeAsync());
        Assert.Contains($"block {position.Height}", error.Message);
        Assert.Equal(2, (await cluster.QuietAsync("lagging")).HeadStep);
    }

    private async Task<MemoryObjectStore> CopyAsync(Func<ObjectKey, bool> has)
    {
        await cluster.PublishAsync();
        var copy = new MemoryObjectStore();
        await foreach (var found in cluster.Memory.ListAsync("", CancellationToken.None))
        {
            if (has(found.Key))
                await copy.PutAsync(found.Key, (await cluster.Memory.GetAsync(found.Key, CancellationToken.None))!, CancellationToken.None);
        }

        return copy;
    }

    private Task<TrainingRun> OpenAsync(string run, IObjectStore store)
    {
        var chain = new SnapshotChain(
            _chain.Client, _chain.Save, _chain.Ranks, _chain.Codec, _chain.NewCoordinator(), store, null, TimeProvider.System, _chain.Log);
        return chain.OpenRunAsync(RunId.Parse(run), RankPlace.Alone(Guid.NewGuid()), CancellationToken.None);
    }
}
