using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.Snapshots.Tests;

public sealed class LedgerWriterTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly FakeTimeProvider _time = new(Samples.Time);
    private readonly MemoryObjectStore _memory = new();
    private readonly FaultyObjectStore _store;

    public LedgerWriterTests() => _store = new FaultyObjectStore(_memory);

    public static TheoryData<int, int, Fault> EveryFault()
    {
        var table = new TheoryData<int, int, Fault>();
        // One load, append and publish writes: keys twice (the first time), block, tile, entries, kept checkpoint, checkpoint.
        foreach (var (before, writes) in (Span<(int, int)>)[(0, 7), (1, 5)])
        {
            for (var write = 0; write < writes; write++)
            {
                foreach (var fault in Enum.GetValues<Fault>())
                    table.Add(before, write, fault);
            }
        }

        return table;
    }

    [Theory]
    [MemberData(nameof(EveryFault))]
    public async Task Whatever_write_goes_wrong_each_record_is_there_once_after_a_retry(int before, int write, Fault fault)
    {
        if (before > 0)
            await AppendAndPublishAsync(1);
        _store.Arm(write, fault);
        await Assert.ThrowsAsync<UnavailableException>(() => AppendAndPublishAsync(2));
        Assert.True(_store.Happened);
        await AppendAndPublishAsync(2); // the caller asks again with the same bytes
        await _store.LandLateWritesAsync();
        await AppendAndPublishAsync(3);
        await CheckAsync(before > 0 ? [1, 2, 3] : [2, 3]);
    }

    [Fact]
    public async Task Two_writers_that_both_own_the_ledger_make_one_chain()
    {
        var (a, b) = (await LoadAsync(), await LoadAsync());
        Assert.True(await a.TryAppendAsync([Samples.Record(1).Encode()], None));
        Assert.False(await b.TryAppendAsync([Samples.Record(2).Encode()], None));
        Assert.Equal(new LedgerPosition(0, 0), await b.FindAsync(Digest.Of(Samples.Record(1).Encode()), 0, None));
        Assert.True(await b.TryAppendAsync([Samples.Record(2).Encode()], None));
        Assert.False(await a.TryAppendAsync([Samples.Record(3).Encode()], None));
        Assert.True(await a.TryAppendAsync([Samples.Record(3).Encode()], None));
        await CheckAsync(1, 2, 3);
    }

    [Fact]
    public async Task Writers_in_a_race_lose_no_record_and_write_none_twice()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(w => Task.Run(async () =>
        {
            var writer = await LoadAsync();
            for (var i = 0; i < 10; i++)
                await UntilAppendedAsync(writer, Samples.Record(w * 10 + i + 1).Encode());
        })));
        var seen = await RecordsAsync();
        Assert.Equal(Enumerable.Range(1, 40).Select(i => (long)i), seen.Order());
    }

    [Fact]
    public async Task A_late_checkpoint_never_takes_the_published_head_back()
    {
        var late = await LoadAsync();
        await late.TryAppendAsync([Samples.Record(1).Encode()], None);
        await AppendAndPublishAsync(2);
        await Publisher.PublishAsync(late, None);
        var bytes = await Bucket.GetCheckpointAsync(None);
        Assert.Equal(2, TreeHead.Open(bytes, TestKeys.Origin, [TestKeys.TreeHead.Verifier]).Size);
    }

    [Theory]
    [InlineData("checkpoint")]
    [InlineData("tile/0/000.p/3")]
    [InlineData("tile/entries/000.p/3")]
    public async Task A_missing_or_damaged_view_is_derived_again_from_the_blocks(string path)
    {
        for (var i = 1; i <= 3; i++)
            await AppendAndPublishAsync(i);
        var key = BucketLayout.Tile(TestBucket.Ledger, path);
        await _memory.DeleteAsync(key, None);
        var writer = await LoadAsync();
        Assert.Equal(3, writer.Tip.Size);
        await Publisher.PublishAsync(writer, None);
        Assert.NotNull(await _memory.GetAsync(key, None));
        await CheckAsync(1, 2, 3);
    }

    [Fact]
    public async Task A_bundle_with_other_entries_than_the_tree_is_not_built_upon()
    {
        for (var i = 1; i <= 3; i++)
            await AppendAndPublishAsync(i);
        var key = BucketLayout.Tile(TestBucket.Ledger, "tile/entries/000.p/3");
        var bytes = (await _memory.GetAsync(key, None))!;
        bytes[40] ^= 1;
        await _memory.PutAsync(key, bytes, None);
        await AppendAndPublishAsync(4);
        var bundle = EntryBundle.Decode((await Bucket.GetTileAsync("tile/entries/000.p/4", None))!);
        Assert.Equal(await Bucket.GetBlockAsync(0, None), bundle[0]);
        await CheckAsync(1, 2, 3, 4);
    }

    [Fact]
    public async Task A_kept_tree_head_keeps_its_cosignatures_when_more_are_asked_for()
    {
        var one = SigningKey.FromSeed("one", KeyAlgorithm.Ed25519Cosignature, new byte[32]);
        var writer = await LoadAsync();
        await writer.TryAppendAsync([Samples.Record(1).Encode()], None);
        var head = writer.Tree().Head;
        var line = SignedNote.SignatureLine(one.Verifier, one.Cosign(StrictUtf8.Encode(head.Head.ToText()), Samples.Time));
        await Bucket.KeepCheckpointAsync(1, head.WithLines([line]), None);
        var others = new TestWitnesses(_time, TestKeys.TreeHead.Verifier);
        await new TreePublisher(Bucket, others.Cosigners).PublishAsync(writer, None);
        foreach (var bytes in (byte[]?[])[await Bucket.GetCheckpointAsync(1, None), await Bucket.GetCheckpointAsync(None)])
        {
            var kept = SignedTreeHead.Open(bytes!, TestKeys.Origin, [TestKeys.TreeHead.Verifier]);
            Assert.True(kept.IsCosignedAs(others.Policy));
            Assert.Single(kept.CosignedBy([one.Verifier]));
        }
    }

    [Fact]
    public async Task A_writer_goes_on_from_every_published_size()
    {
        for (var i = 1; i <= 300; i++)
        {
            var writer = await LoadAsync();
            Assert.Equal(i - 1, writer.Tip.Size);
            await writer.TryAppendAsync([Samples.Record(i).Encode()], None);
            await Publisher.PublishAsync(writer, None);
        }

        await CheckAsync(Enumerable.Range(1, 300).Select(i => (long)i).ToArray());
    }

    [Fact]
    public async Task What_is_published_does_not_grow_with_the_square_of_the_blocks()
    {
        var writer = await LoadAsync();
        for (var i = 1; i <= 200; i++)
        {
            await writer.TryAppendAsync([Samples.Record(i).Encode()], None);
            await Publisher.PublishAsync(writer, None);
        }

        var (blocks, bundles, heads) = (0L, 0L, 0);
        await foreach (var found in _memory.ListAsync("", None))
        {
            blocks += found.Key.Path.Contains("/block/") ? found.Length : 0;
            bundles += found.Key.Path.Contains("/entries/") ? found.Length : 0;
            heads += found.Key.Path.Contains("/checkpoint.") ? 1 : 0;
        }

        Assert.InRange(bundles, blocks, PublishedTrail.HeadsWithTiles * (blocks + 1_000));
        Assert.Equal(PublishedTrail.HeadsAllKept + 1, heads);
        await CheckAsync(Enumerable.Range(1, 200).Select(i => (long)i).ToArray());
    }

    [Fact]
    public async Task Who_holds_an_older_tree_head_finds_what_took_the_place_of_its_tiles()
    {
        var writer = await LoadAsync();
        var heads = new List<TreeHead>();
        for (var i = 1; i <= 9; i++)
        {
            await writer.TryAppendAsync([Samples.Record(i).Encode()], None);
            heads.Add((await Publisher.PublishAsync(writer, None)).Head);
        }

        Assert.Null(await Bucket.GetTileAsync("tile/0/000.p/5", None));
        Assert.True(await new TreeProver(Bucket).ContinuesAsync(heads[2], heads[4], None));
        Assert.True(await new TreeProver(Bucket).ContinuesAsync(heads[4], heads[8], None));
    }

    [Fact]
    public async Task A_damaged_block_without_a_copy_stops_the_writer_and_names_the_height()
    {
        for (var i = 1; i <= 3; i++)
            await AppendAndPublishAsync(i);
        var tip = (await LoadAsync()).Tip;
        var key = BucketLayout.Block(TestBucket.Ledger, 1);
        var bytes = (await _memory.GetAsync(key, None))!;
        bytes[40] ^= 1;
        await _memory.PutAsync(key, bytes, None);
        await _memory.DeleteAsync(BucketLayout.Tile(TestBucket.Ledger, "tile/entries/000.p/3"), None);
        await _memory.DeleteAsync(BucketLayout.Tile(TestBucket.Ledger, "tile/entries/000.p/2"), None);
        // Going on from the newest tree head looks at the newest blocks only; the check that follows looks at all of them.
        var error = await Assert.ThrowsAsync<CorruptException>(() => new LedgerCheck(Bucket, TestKeys.NewSigner()).RunAsync(tip, None));
        Assert.Contains("block 1", error.Message);
        error = await Assert.ThrowsAsync<CorruptException>(LoadAsync);
        Assert.Contains("block 1", error.Message);
    }

    [Fact]
    public async Task An_old_record_is_found_by_reading_blocks_again()
    {
        for (var i = 1; i <= 5; i++)
            await AppendAndPublishAsync(i);
        var writer = await LoadAsync(); // its index begins behind the published size
        var record = Digest.Of(Samples.Record(2).Encode());
        Assert.Equal(new LedgerPosition(1, 0), await writer.FindAsync(record, 0, None));
        Assert.Null(await writer.FindAsync(record, 2, None));
    }

    private LedgerBucket Bucket => new(_store, TestBucket.Ledger);

    private TreePublisher Publisher => new(Bucket, TestWitnesses.Nobody);

    private Task<LedgerWriter> LoadAsync() => LedgerWriter.LoadAsync(Bucket, TestKeys.Signer, null, _time, None);

    private async Task AppendAndPublishAsync(long sequence)
    {
        var writer = await LoadAsync();
        await UntilAppendedAsync(writer, Samples.Record(sequence).Encode());
        await Publisher.PublishAsync(writer, None);
    }

    private static async Task UntilAppendedAsync(LedgerWriter writer, byte[] record)
    {
        while (await writer.FindAsync(Digest.Of(record), 0, None) is null)
            await writer.TryAppendAsync([record], None);
    }

    private async Task<List<long>> RecordsAsync()
    {
        var seen = new List<long>();
        await foreach (var linked in Bucket.FollowAsync(LedgerTip.Start(TestKeys.Public), 0, None))
            seen.AddRange(linked.Block.Facts().Select(f => f.Record.Sequence.Value));
        return seen;
    }

    private async Task CheckAsync(params long[] expected)
    {
        Assert.Equal(expected, await RecordsAsync());
        await Publisher.PublishAsync(await LoadAsync(), None);
        var report = await TestBucket.AuditAsync(_memory);
        // The records name snapshots that this test never stored; nothing else may be wrong.
        Assert.DoesNotContain(report.Findings, f => f.Where.StartsWith("ledger", StringComparison.Ordinal));
        Assert.Equal(expected.Length, report.Blocks);
    }
}
