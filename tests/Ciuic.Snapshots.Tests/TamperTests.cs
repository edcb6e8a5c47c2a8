using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.Snapshots.Tests;

/// <summary>What somebody with write access, or with stolen keys, could do to history. Each is refused with the right name.</summary>
public sealed class TamperTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly FakeTimeProvider _time = new(Samples.Time);
    private readonly MemoryObjectStore _store = new();
    private readonly TestWitnesses _witnesses;
    private readonly TestBucket _bucket;
    private readonly TemporaryFolder _folder = new();

    public TamperTests()
    {
        _witnesses = new TestWitnesses(_time, TestKeys.TreeHead.Verifier);
        _bucket = new TestBucket(_store, _time, _witnesses.Cosigners);
    }

    [Fact]
    public async Task An_untouched_history_passes_the_policy()
    {
        await FillAsync(5);
        var report = await AuditAsync(null);
        Assert.Empty(report.Findings);
        Assert.Equal(("quorum", 5), (report.Quorum, report.KeptHeads));
    }

    [Fact]
    public async Task A_block_signed_again_with_another_key_is_named()
    {
        await FillAsync(5);
        await RewriteAsync(2, text => text, TestKeys.Stranger);
        AssertNamed(await AuditAsync(null), "block 2", "no known key signed");
    }

    [Theory]
    [InlineData("height 2", "height 02")]
    [InlineData("height 2\n", "height 2\r\n")]
    [InlineData("records 1", "records 01")]
    [InlineData("time ", "time 0")]
    public async Task A_block_spelled_otherwise_and_signed_by_the_ledgers_own_key_is_named(string said, string instead)
    {
        await FillAsync(5);
        await RewriteAsync(2, text => text.Replace(said, instead, StringComparison.Ordinal), TestKeys.Blocks);
        AssertNamed(await AuditAsync(null), "block 2", "");
    }

    [Fact]
    public async Task Base64_that_is_not_canonical_is_named()
    {
        await FillAsync(5);
        // 32 bytes leave two unused bits in the last letter before '=': set one.
        await RewriteAsync(2, text => System.Text.RegularExpressions.Regex.Replace(
            text, "(prev .{42})(.)=", m => m.Groups[1].Value + (char)(m.Groups[2].Value[0] + 1) + "="), TestKeys.Blocks);
        AssertNamed(await AuditAsync(null), "block 2", "canonical base64");
    }

    [Fact]
    public async Task A_fork_by_whoever_holds_the_ledgers_keys_lacks_the_quorum()
    {
        await FillAsync(5);
        var fork = await ForkAsync(new Cosigners(TlogPolicy.Alone(), []), 5);
        AssertNamed(await TestBucket.AuditAsync(fork, _witnesses.Policy, null), "checkpoint", "not cosigned by the quorum");
    }

    [Fact]
    public async Task Witnesses_do_not_cosign_a_fork()
    {
        await FillAsync(5);
        var error = await Assert.ThrowsAsync<UnavailableException>(() => ForkAsync(_witnesses.Cosigners, 5));
        Assert.Contains("which is not the quorum", error.Message);
    }

    [Fact]
    public async Task A_fork_that_stolen_witness_keys_have_cosigned_is_refused_by_whoever_has_seen_the_other_one()
    {
        await FillAsync(5);
        var accepted = new AcceptedHeads(_folder.File("state"));
        Assert.True((await AuditAsync(accepted)).Passed);
        var stolen = new TestWitnesses(_time, TestKeys.TreeHead.Verifier); // the same keys, without their memory
        var fork = await ForkAsync(stolen.Cosigners, 6);
        Assert.True((await TestBucket.AuditAsync(fork, _witnesses.Policy, null)).Passed); // by itself it is flawless
        var mine = _store; // the same place, other history
        foreach (var path in await PathsAsync(mine))
            await mine.DeleteAsync(path, None);
        foreach (var path in await PathsAsync(fork))
            await mine.PutAsync(path, (await fork.GetAsync(path, None))!, None);
        AssertNamed(await AuditAsync(accepted), "history was rewritten", "where this machine has accepted the tree head of size 5");
    }

    [Fact]
    public async Task A_dropped_tail_with_a_matching_older_checkpoint_is_refused_by_whoever_has_seen_it()
    {
        await FillAsync(3);
        var old = await TestBucket.CopyAsync(_store);
        await FillAsync(5, 4);
        var accepted = new AcceptedHeads(_folder.File("state"));
        Assert.True((await AuditAsync(accepted)).Passed);
        foreach (var path in await PathsAsync(_store))
        {
            if (await old.GetAsync(path, None) is { } before)
                await _store.PutAsync(path, before, None);
            else
                await _store.DeleteAsync(path, None);
        }

        AssertNamed(await AuditAsync(accepted), "history was rolled back", "of size 5");
    }

    [Fact]
    public async Task A_gap_does_not_hide_what_lies_behind_it()
    {
        await FillAsync(5);
        await _store.DeleteAsync(BucketLayout.Checkpoint(TestBucket.Ledger), None);
        await _store.DeleteAsync(BucketLayout.Block(TestBucket.Ledger, 2), None);
        foreach (var path in (await PathsAsync(_store)).Where(p => p.Path.Contains("tile/entries/"))) // or the block would be read from there
            await _store.DeleteAsync(path, None);
        var report = await AuditAsync(null);
        AssertNamed(report, "block/3", "beyond the 2 blocks");
        AssertNamed(report, "checkpoint", "missing or unreadable");
        AssertNamed(report, "tile/0/000.p/5", "beyond the 2 blocks");
    }

    [Theory]
    [InlineData("block/99")]
    [InlineData("block/07")]
    [InlineData("tile/0/000.p/9")]
    [InlineData("tile/7/000")]
    [InlineData("tile/0/000")]
    public async Task Objects_that_this_history_does_not_have_are_named(string path)
    {
        await FillAsync(5);
        await _store.PutAsync(BucketLayout.Tile(TestBucket.Ledger, path), new byte[32], None);
        AssertNamed(await AuditAsync(null), path, "beyond the 5 blocks");
    }

    [Fact]
    public async Task A_kept_tree_head_that_says_something_else_is_named()
    {
        await FillAsync(5);
        var lie = new TreeHead(TestKeys.Origin, 3, Digest.Of("lie"u8)).Sign(TestKeys.TreeHead);
        await _store.PutAsync(BucketLayout.CheckpointAt(TestBucket.Ledger, 3), lie, None);
        AssertNamed(await AuditAsync(null), "checkpoint.3", "not the root over the first 3 blocks");
    }

    [Fact]
    public async Task A_wrong_cosignature_of_a_known_witness_is_named()
    {
        await FillAsync(5);
        var key = BucketLayout.Checkpoint(TestBucket.Ledger);
        var text = StrictUtf8.Decode((await _store.GetAsync(key, None))!, "checkpoint");
        var other = SignedNote.SignatureLine(
            _witnesses.All[0].Key.Verifier, _witnesses.All[0].Key.Cosign("another text\n"u8, Samples.Time));
        var line = text.Split('\n').Single(l => l.Contains("witness.test/w1", StringComparison.Ordinal));
        await _store.PutAsync(key, StrictUtf8.Encode(text.Replace(line + "\n", other, StringComparison.Ordinal)), None);
        AssertNamed(await AuditAsync(null), "checkpoint", "the signature of witness.test/w1");
    }

    [Fact]
    public async Task A_block_time_after_the_witnesses_saw_it_is_named()
    {
        var past = new TestWitnesses(new FakeTimeProvider(Samples.Time.AddHours(-1)), TestKeys.TreeHead.Verifier);
        await FillAsync(new TestBucket(_store, _time, past.Cosigners), 3);
        AssertNamed(await AuditAsync(null), "block 0", "but a witness saw it at 2026-11-24 02:39:43Z already");
    }

    [Fact]
    public async Task A_block_time_before_witnesses_saw_the_tree_without_it_is_named()
    {
        var future = new TestWitnesses(new FakeTimeProvider(Samples.Time.AddHours(1)), TestKeys.TreeHead.Verifier);
        await FillAsync(new TestBucket(_store, _time, future.Cosigners), 3);
        AssertNamed(await AuditAsync(null), "block 1", "but witnesses saw the tree without it at 2026-11-24 04:39:43Z");
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("another step")]
    [InlineData("another key")]
    public async Task A_trainers_signature_that_does_not_hold_is_named(string how)
    {
        using var key = SigningKey.FromSeed("run/sample", Enumerable.Repeat((byte)60, SigningKey.SeedSize).ToArray());
        var manifest = await _bucket.StoreAsync(Samples.Run, 1, null, ArrayTensor.Random("t", 100, 1));
        manifest = manifest with { Signer = key.Verifier };
        var bytes = ManifestCodec.Encode(manifest);
        await _store.PutAsync(BucketLayout.Manifest(manifest.Id), bytes, None);
        var place = BucketLayout.ShardSignature(manifest.Id, new Rank(0));
        await _store.PutAsync(place, ShardSignature.Sign(manifest.Id, new Rank(0), manifest.Step, manifest.Shards[0], key), None);
        await _bucket.AppendAsync(LedgerRecord.ForSnapshot(manifest, ManifestDigest.Of(bytes)));
        Assert.True((await AuditAsync(null)).Passed);
        if (how == "missing")
            await _store.DeleteAsync(place, None);
        else
            await _store.PutAsync(place, ShardSignature.Sign(
                manifest.Id, new Rank(0), manifest.Step + 1, manifest.Shards[0], how == "another key" ? TestKeys.Stranger : key), None);
        AssertNamed(await AuditAsync(null), "snapshot sample#1", "signature of rank 0 of sample#1", how == "another key" ? "no known key" : null);
    }

    [Fact]
    public async Task A_record_that_names_another_signer_than_its_manifest_is_named()
    {
        var manifest = await _bucket.StoreAsync(Samples.Run, 1, null, ArrayTensor.Random("t", 100, 1));
        var digest = ManifestDigest.Of(ManifestCodec.Encode(manifest));
        await _bucket.AppendAsync(LedgerRecord.ForSnapshot(manifest, digest) with { Signer = TestKeys.Stranger.Verifier });
        AssertNamed(await AuditAsync(null), "snapshot sample#1", "different signers");
    }

    public void Dispose() => _folder.Dispose();

    private Task<AuditReport> AuditAsync(AcceptedHeads? accepted) => TestBucket.AuditAsync(_store, _witnesses.Policy, accepted);

    private Task FillAsync(int count, int from = 1) => FillAsync(_bucket, count, from);

    private static async Task FillAsync(TestBucket bucket, int count, int from = 1)
    {
        for (var i = from; i <= count; i++)
            await bucket.CommitAsync(RunId.Parse($"run-{i}"), 1, null, ArrayTensor.Random("t", 100, i));
    }

    /// <summary>A whole other history, made with the ledger's own keys.</summary>
    private async Task<MemoryObjectStore> ForkAsync(Cosigners cosigners, int count)
    {
        var fork = new MemoryObjectStore();
        var bucket = new TestBucket(fork, _time, cosigners);
        for (var i = 1; i <= count; i++)
            await bucket.CommitAsync(RunId.Parse($"fork-{i}"), 1, null, ArrayTensor.Random("t", 100, i));
        return fork;
    }

    private async Task RewriteAsync(long height, Func<string, string> change, SigningKey key)
    {
        var place = BucketLayout.Block(TestBucket.Ledger, height);
        var text = SignedNote.Parse((await _store.GetAsync(place, None))!).Text;
        var changed = change(text);
        Assert.True(changed != text || key == TestKeys.Stranger);
        var line = SignedNote.SignatureLine(key.Verifier, key.Sign(StrictUtf8.Encode(changed))); // our own code would not sign all of it
        await _store.PutAsync(place, StrictUtf8.Encode($"{changed}\n{line}"), None);
    }

    private static async Task<List<ObjectKey>> PathsAsync(IObjectStore store)
    {
        var paths = new List<ObjectKey>();
        await foreach (var found in store.ListAsync("", None))
            paths.Add(found.Key);
        return paths;
    }

    private static void AssertNamed(AuditReport report, string where, string what, string? alternative = null) => Assert.True(
        report.Findings.Any(f => f.Where.Contains(where, StringComparison.Ordinal)
            && (f.What.Contains(what, StringComparison.Ordinal) || (alternative is not null && f.What.Contains(alternative, StringComparison.Ordinal)))),
        string.Join("; ", report.Findings));
}
