using System.Text.Json;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.EndToEnd;

/// <summary>Go's reference implementation of transparency logs reads a ledger of ours in plain files.</summary>
[Collection(GoCollection.Name)]
public sealed class GoLedgerTests(GoProgram go) : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly MemoryObjectStore _memory = new(); // 65,537 blocks with a flush each would take minutes

    private string LedgerFolder => _folder.File($"ledgers/{TestBucket.Ledger}");

    [Fact]
    public async Task Go_accepts_every_published_size_across_tile_boundaries_and_key_rotations()
    {
        await go.ReadyAsync(); // before the long part
        var ledger = await GrowingLedger.OpenAsync(_memory);
        await ledger.PublishAtAsync(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255, 256, 257);
        await ledger.GrowAsync(300);
        await ledger.RotateAsync(KeyRole.Blocks);
        await ledger.PublishAtAsync(511, 512, 513);
        await ledger.RotateAsync(KeyRole.TreeHead);
        await ledger.PublishAtAsync(65_535, 65_536, 65_537);
        await WriteFilesAsync();
        Assert.Equal(2, ledger.TreeHeadKeys.Count);

        var (code, text) = await CheckAsync(ledger.TreeHeadKeys);
        Assert.True(code == 0, text);
        var counts = JsonDocument.Parse(text).RootElement;
        Assert.Equal(19, counts.GetProperty("checkpoints").GetInt32());
        Assert.Equal(65_537, counts.GetProperty("size").GetInt64());
        Assert.InRange(counts.GetProperty("blocks").GetInt64(), 65_537, long.MaxValue);
        Assert.InRange(counts.GetProperty("recordProofs").GetInt32(), 19 * 8, int.MaxValue);
        Assert.Equal(18 + 18, counts.GetProperty("treeProofs").GetInt32());

        // The head of 513 blocks was signed before the rotation: who knows the newest key only cannot accept it.
        Assert.NotEqual(0, (await CheckAsync([ledger.TreeHeadKeys[^1]])).Code);
    }

    [Theory]
    [InlineData("tile/0/000")]
    [InlineData("tile/0/001.p/1")]
    [InlineData("tile/1/000.p/1")]
    [InlineData("tile/0/000.p/3")]
    [InlineData("tile/entries/000")]
    [InlineData("tile/entries/000.p/3")]
    [InlineData("checkpoint.3")]
    [InlineData("checkpoint")]
    [InlineData("block/2")]
    public async Task Go_refuses_a_ledger_with_one_bit_changed_one_byte_too_few_or_a_file_missing(string path)
    {
        var ledger = await GrowingLedger.OpenAsync(_memory);
        await ledger.PublishAtAsync(3, 257);
        await WriteFilesAsync();
        var file = Path.Combine(LedgerFolder, path);
        var good = await File.ReadAllBytesAsync(file);
        Assert.Equal(0, (await CheckAsync(ledger.TreeHeadKeys, 3, 257)).Code);

        var bad = good.ToArray();
        bad[bad.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(file, bad);
        await RefusedAsync(ledger);
        await File.WriteAllBytesAsync(file, good[..^1]);
        await RefusedAsync(ledger);
        File.Delete(file);
        // A partial tile of an older head may have been collected: the full one begins with it.
        if (path.EndsWith("000.p/3", StringComparison.Ordinal))
            Assert.Equal(0, (await CheckAsync(ledger.TreeHeadKeys, 3, 257)).Code);
        else
            await RefusedAsync(ledger);
    }

    public void Dispose() => _folder.Dispose();

    private async Task RefusedAsync(GrowingLedger ledger)
    {
        var (code, text) = await CheckAsync(ledger.TreeHeadKeys, 3, 257);
        Assert.Equal(1, code);
        Assert.StartsWith("tlogcheck: ", text);
        Assert.DoesNotContain('\n', text);
    }

    private Task<(int Code, string Text)> CheckAsync(IEnumerable<VerifierKey> keys, params IEnumerable<long> published) =>
        go.RunAsync([
            "tlogcheck", "-ledger", LedgerFolder,
            .. keys.SelectMany(key => (string[])["-key", $"{key}"]),
            .. published.SelectMany(size => (string[])["-published", $"{size}"]),
        ]);

    /// <summary>The files that a file store has, without its flushes.</summary>
    private async Task WriteFilesAsync()
    {
        await foreach (var found in _memory.ListAsync(BucketLayout.LedgersPrefix, CancellationToken.None))
        {
            var path = _folder.File(found.Key.Path);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllBytesAsync(path, (await _memory.GetAsync(found.Key, CancellationToken.None))!);
        }
    }
}
