using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.Snapshots.Tests;

public sealed class BucketAuditTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly MemoryObjectStore _store = new();
    private readonly TestBucket _bucket;

    public BucketAuditTests() => _bucket = new TestBucket(_store, new FakeTimeProvider(Samples.Time));

    [Fact]
    public async Task A_good_bucket_passes_and_is_counted()
    {
        await FillAsync();
        await _bucket.StoreAsync(Samples.Run, 4, null, ArrayTensor.Random("t", 100, 9));
        var report = await TestBucket.AuditAsync(_store);
        Assert.Empty(report.Findings);
        Assert.Equal(3, report.Blocks);
        Assert.Equal(3, report.PublishedSize);
        Assert.Equal(1, report.Uncommitted);
        var run = Assert.Single(report.Runs);
        Assert.Equal((3, 3, 30L), (run.Snapshots, run.Intact, run.HeadStep));
    }

    public static TheoryData<string> Kinds() => ["chunks/", "runs/sample/2/manifest", "runs/sample/2/shard-0", "ledgers/main/block/1", "ledgers/main/checkpoint", "ledgers/main/checkpoint.3", "ledgers/main/keys", "ledgers/main/tile/0/", "ledgers/main/tile/entries/"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_flipped_bit_in_any_kind_of_object_is_found(string prefix)
    {
        await FillAsync();
        var key = await NewestAsync(prefix);
        var bytes = (await _store.GetAsync(key, None))!;
        bytes[bytes.Length / 2] ^= 1;
        await _store.PutAsync(key, bytes, None);
        Assert.True(await IsRefusedAsync());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_missing_object_of_any_kind_is_found(string prefix)
    {
        await FillAsync();
        await _store.DeleteAsync(await NewestAsync(prefix), None);
        Assert.True(await IsRefusedAsync());
    }

    [Fact]
    public async Task A_dropped_tail_is_found_by_the_tree_head()
    {
        await FillAsync();
        await _store.DeleteAsync(BucketLayout.Block(TestBucket.Ledger, 2), None);
        Assert.Contains((await TestBucket.AuditAsync(_store)).Findings, f => f.What.Contains("holds the right bytes"));
        await foreach (var bundle in _store.ListAsync("ledgers/main/tile/entries/", None))
            await _store.DeleteAsync(bundle.Key, None);
        Assert.Contains((await TestBucket.AuditAsync(_store)).Findings, f => f.What.Contains("promises 3 blocks"));
    }

    [Fact]
    public async Task Swapped_blocks_are_found()
    {
        await FillAsync();
        var (one, two) = (BucketLayout.Block(TestBucket.Ledger, 1), BucketLayout.Block(TestBucket.Ledger, 2));
        var (a, b) = (await _store.GetAsync(one, None), await _store.GetAsync(two, None));
        await _store.PutAsync(one, b, None);
        await _store.PutAsync(two, a, None);
        Assert.Contains((await TestBucket.AuditAsync(_store)).Findings, f => f.Where.Contains("block 1"));
    }

    [Fact]
    public async Task A_manifest_that_tells_another_story_than_its_record_is_found()
    {
        var manifest = await _bucket.StoreAsync(Samples.Run, 1, null, ArrayTensor.Random("t", 100, 1));
        var digest = ManifestDigest.Of(ManifestCodec.Encode(manifest));
        await _bucket.AppendAsync(LedgerRecord.ForSnapshot(manifest, digest) with { Step = 11 });
        Assert.Contains((await TestBucket.AuditAsync(_store)).Findings, f => f.What.Contains("different stories"));
    }

    [Fact]
    public async Task A_ledger_of_other_keys_is_refused()
    {
        await FillAsync();
        await Assert.ThrowsAsync<CorruptException>(() => BucketAudit.RunAsync(
            _store, TestBucket.Ledger, TlogPolicy.Alone(TestKeys.Stranger.Verifier), null, 2, _ => { }, None));
    }

    [Fact]
    public async Task Without_a_key_from_elsewhere_the_report_says_so()
    {
        await FillAsync();
        var report = await BucketAudit.RunAsync(_store, TestBucket.Ledger, TlogPolicy.Alone(), null, 2, _ => { }, None);
        Assert.True(report.Passed);
        Assert.False(report.KeysTrusted);
    }

    [Fact]
    public async Task An_unknown_ledger_is_not_found() => await Assert.ThrowsAsync<NotFoundException>(() =>
        BucketAudit.RunAsync(_store, "other", TlogPolicy.Alone(), null, 2, _ => { }, None));

    [Fact]
    public async Task The_bucket_alone_tells_the_head_after_a_rollback()
    {
        var first = await FillAsync();
        await _bucket.AppendAsync(new LedgerRecord
        {
            Kind = RecordKind.Rollback,
            Run = Samples.Run,
            Sequence = first.Sequence,
            Manifest = first.Manifest,
            Token = new FencingToken(2),
            Reason = "test",
        });
        var history = await BucketHistory.ReadAsync(new LedgerBucket(_store, TestBucket.Ledger), Samples.Run, [], null, None);
        Assert.Equal(first, history!.Head);
        Assert.Null(await BucketHistory.ReadAsync(new LedgerBucket(_store, TestBucket.Ledger), RunId.Parse("other"), [], null, None));
    }

    /// <summary>Without the note of keys nothing can be said at all; everything else is a finding.</summary>
    private async Task<bool> IsRefusedAsync()
    {
        try
        {
            return !(await TestBucket.AuditAsync(_store)).Passed;
        }
        catch (CorruptException)
        {
            return true;
        }
    }

    private async Task<SnapshotLink> FillAsync()
    {
        SnapshotLink? first = null, parent = null;
        for (var i = 1; i <= 3; i++)
        {
            var manifest = await _bucket.CommitAsync(Samples.Run, i, parent, ArrayTensor.Random("t", 50_000, i));
            parent = Samples.LinkOf(manifest);
            first ??= parent;
        }

        return first!;
    }

    private async Task<ObjectKey> NewestAsync(string prefix)
    {
        var keys = new List<ObjectKey>();
        await foreach (var found in _store.ListAsync(prefix, None))
            keys.Add(found.Key);
        if (keys.Any(k => k.Path == prefix))
            return new ObjectKey(prefix);
        return keys.MaxBy(k => k.Path.Length * 1_000 + (char.IsDigit(k.Path[^1]) ? k.Path[^1] : 0));
    }
}
