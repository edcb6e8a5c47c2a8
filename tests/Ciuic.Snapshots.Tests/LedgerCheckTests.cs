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
    public async Task What_is_missing_or_wrong_comes_back(string path)
    {
        var key = BucketLayout.Tile(TestBucket.Ledger, path);
        var before = (await _store.GetAsync(key, None))!;
        Assert.Equal(0, await CheckAsync());
        await _store.DeleteAsync(key, None);
        await CheckAsync();
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
        var error = await Assert.ThrowsAsync<CorruptException>(CheckAsync);
        Assert.Contains("block 258", error.Message);
        Assert.Equal(wrong, await _store.GetAsync(key, None));
    }

    public ValueTask DisposeAsync() => default;

    private Task<int> CheckAsync() => new LedgerCheck(Bucket, _signer).RunAsync(_tip, None);
}
