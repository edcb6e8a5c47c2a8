using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.Snapshots.Tests;

/// <summary>The check of all blocks: what it mends, and what it leaves as evidence.</summary>
public sealed class LedgerCheckTests : IAsyncLifetime
{
    private const string FullTile = "tile/0/000";
    private const string FullBundle = "tile/entries/000";
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly MemoryObjectStore _store = new();
    private readonly LedgerSigner _signer = TestKeys.NewSigner();
    private LedgerTip _tip = null!;

    private LedgerBucket Bucket => new(_store, TestBucket.Ledger);

    public async ValueTask InitializeAsync()
    {
        var writer = await LedgerWriter.LoadAsync(Bucket, _signer, null, new FakeTimeProvider(Samples.Time), None);
        for (var i = 1; i <= 260; i++)
            await writer.TryAppendAsync([i == 100 ? TestKeys.Rotate(_signer, writer.Tip.Keys, KeyRole.TreeHead) : Samples.Record(i).Encode()], None);
        await new TreePublisher(Bucket, TestWitnesses.Nobody).PublishAsync(writer, None);
        _tip = writer.Tip;
    }

    [Theory]
    [InlineData(FullTile)]
    [InlineData(FullBundle)]
    [InlineData("keys.99")]
    [InlineData("keys")]
    [InlineData("keys.copy")]
    [InlineData("block/0")]
    [InlineData("block/200")]
    [InlineData("block/259")]
    [InlineData("tile/entries/001.p/4")]
    [InlineData("tile/1/000.p/1")]
    [InlineData("checkpoint")]
    [InlineData("checkpoint.260")]
    public async Task What_is_missing_or_wrong_comes_back(string path)
    {
        var key = BucketLayout.Tile(TestBucket.Ledger, path);
        var before = (await _store.GetAsync(key, None))!;
        Assert.Empty(await CheckAsync());
        await _store.DeleteAsync(key, None);
        Assert.Equal(path == "keys.copy" ? [] : [path], await CheckAsync()); // ledgers of older versions have no copy, and lack nothing
        Assert.Equal(before, await _store.GetAsync(key, None));
        await _store.PutAsync(key, before.Select(b => (byte)(b ^ 1)).ToArray(), None);
        await CheckAsync();
        Assert.Equal(before, await _store.GetAsync(key, None));
    }

    [Fact]
    public async Task Tiles_of_another_history_stay_as_evidence_when_the_blocks_are_the_wrong_ones()
    {
        var key = BucketLayout.Tile(TestBucket.Ledger, FullTile);
        var wrong = (await _store.GetAsync(key, None))!;
        wrong[5] ^= 1;
        await _store.PutAsync(key, wrong, None);
        await _store.DeleteAsync(BucketLayout.Block(TestBucket.Ledger, 258), None);
        await _store.DeleteAsync(BucketLayout.Tile(TestBucket.Ledger, "tile/entries/001.p/4"), None);
        var error = await Assert.ThrowsAsync<CorruptException>(CheckAsync);
        Assert.Contains("block 258", error.Message);
        Assert.Equal(wrong, await _store.GetAsync(key, None));
    }

    [Fact]
    public async Task Kept_heads_and_partial_tiles_that_newer_ones_supersede_are_collected()
    {
        await KeepAllAsync();
        await CheckAsync();
        var left = new List<string>();
        await foreach (var found in _store.ListAsync("", None))
            left.Add(found.Key.Path["ledgers/main/".Length..]);
        Assert.Equal(PublishedTrail.HeadsAllKept + 1, left.Count(path => path.StartsWith("checkpoint.", StringComparison.Ordinal)));
        // Those of 258, 259 and 260 blocks: tile and bundle each; the tile of level 1 is the same for all.
        Assert.Equal(7, left.Count(path => path.Contains(".p/")));
        Assert.Empty(await CheckAsync());
    }

    public ValueTask DisposeAsync() => default;

    /// <summary>What older versions have left: everything of every size.</summary>
    private async Task KeepAllAsync()
    {
        var tiles = new TileBuilder();
        await foreach (var linked in Bucket.FollowAsync(LedgerTip.Start(TestKeys.Public), 0, None))
        {
            var tip = linked.After;
            tiles.Append(linked.Bytes, tip.LastLeaf);
            await Bucket.KeepCheckpointAsync(tip.Size, tip.Head.Sign(_signer.Find(tip.Keys.ActiveTreeHead)), None);
            foreach (var file in tiles.PartialFiles())
                await Bucket.DeriveAsync(file, None);
        }
    }

    private Task<IReadOnlyCollection<string>> CheckAsync() => new LedgerCheck(Bucket, _signer).RunAsync(_tip, None);
}
