using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.Snapshots.Tests;

/// <summary>
/// Each object of a ledger is lost or damaged in every way: whoever reads goes on with a copy or says which object it is, a silo
/// puts it back, and afterwards the audit finds nothing.
/// </summary>
public sealed class LedgerSweepTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly RunId Run = RunId.Parse("swept");

    private readonly FakeTimeProvider _time = new(Samples.Time);
    private readonly MemoryObjectStore _store = new();
    private readonly LedgerSigner _signer = TestKeys.NewSigner();
    private readonly List<SnapshotLink> _links = [];

    private LedgerBucket Bucket => new(_store, TestBucket.Ledger);

    public async ValueTask InitializeAsync()
    {
        await CommitAsync(1);
        await AppendAsync(keys => TestKeys.Rotate(_signer, keys, KeyRole.TreeHead));
        await CommitAsync(2);
        await AppendAsync(keys => TestKeys.Rotate(_signer, keys, KeyRole.Blocks));
        await CommitAsync(3);
        await HealAsync(); // what is superseded is collected, and none of it sought below
    }

    public ValueTask DisposeAsync() => default;

    public static TheoryData<string> Damages => ["deleted", "flipped", "truncated", "emptied"];

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task Whatever_object_is_damaged_readers_work_a_silo_heals_and_the_audit_ends_green(string how)
    {
        var objects = await ObjectsAsync();
        Assert.Contains(BucketLayout.Keys(TestBucket.Ledger), objects);
        Assert.Contains(BucketLayout.Block(TestBucket.Ledger, 4), objects);
        foreach (var key in objects)
        {
            await DamageAsync(key, how);
            Assert.Equal(_links, (await HistoryAsync()).Snapshots.Select(s => s.Link));
            await ProveAsync();
            await HealAsync();
            Assert.Empty(await FindingsAsync($"{key} {how}"));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(90)]
    [InlineData(250)]
    public async Task Wherever_a_bit_is_flipped_a_silo_heals_it(int percentile)
    {
        foreach (var key in await ObjectsAsync())
        {
            var bytes = (await _store.GetAsync(key, None))!;
            bytes[bytes.Length * percentile / 256] ^= 4;
            await _store.PutAsync(key, bytes, None);
            Assert.Equal(_links, (await HistoryAsync()).Snapshots.Select(s => s.Link));
            await HealAsync();
            Assert.Empty(await FindingsAsync($"{key} {percentile}"));
        }
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task Without_any_copy_the_object_is_named(string how)
    {
        foreach (var name in (string[])["keys", "block/4"])
        {
            var before = await TestBucket.CopyAsync(_store);
            foreach (var copy in await ObjectsAsync(name == "keys" ? "keys" : "tile/entries/"))
                await _store.DeleteAsync(copy, None);
            var key = BucketLayout.Tile(TestBucket.Ledger, name);
            await _store.PutAsync(key, (await before.GetAsync(key, None))!, None);
            await DamageAsync(key, how);
            var error = await Assert.ThrowsAsync<CorruptException>(HistoryAsync);
            Assert.Contains(key.Path, error.Message);
            await RestoreAsync(before);
        }
    }

    [Fact]
    public async Task An_audit_names_what_it_has_read_from_a_copy()
    {
        await _store.DeleteAsync(BucketLayout.Block(TestBucket.Ledger, 2), None);
        await DamageAsync(BucketLayout.Keys(TestBucket.Ledger), "flipped");
        var findings = await FindingsAsync("");
        Assert.Equal(2, findings.Count);
        Assert.Contains(findings, f => f.Where.EndsWith("block 2", StringComparison.Ordinal) && f.What.Contains("tile/entries/000.p/5"));
        Assert.Contains(findings, f => f.Where.EndsWith(": keys", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_missing_block_with_others_behind_it_is_no_end_of_the_ledger()
    {
        var writer = await LoadAsync();
        await writer.TryAppendAsync([Samples.Record(11).Encode()], None); // not published: there is no second copy
        await writer.TryAppendAsync([Samples.Record(12).Encode()], None);
        await _store.DeleteAsync(BucketLayout.Block(TestBucket.Ledger, 5), None);
        var error = await Assert.ThrowsAsync<CorruptException>(LoadAsync);
        Assert.Contains("ledgers/main/block/5", error.Message);
        error = await Assert.ThrowsAsync<CorruptException>(HistoryAsync);
        Assert.Contains("ledgers/main/block/5", error.Message);
    }

    [Fact]
    public async Task With_nothing_of_the_ledger_snapshots_are_no_new_run()
    {
        foreach (var key in await ObjectsAsync())
            await _store.DeleteAsync(key, None);
        var error = await Assert.ThrowsAsync<CorruptException>(HistoryAsync);
        Assert.Contains("runs/swept/", error.Message);
        Assert.Null(await BucketHistory.ReadAsync(Bucket, RunId.Parse("new"), [], null, None));
    }

    [Fact]
    public async Task Keys_that_sign_no_block_are_not_written_beside_a_ledger_whose_note_is_lost()
    {
        foreach (var note in await ObjectsAsync("keys"))
            await _store.DeleteAsync(note, None);
        var stranger = new LedgerSigner(TestKeys.Origin, new Strangers());
        await Assert.ThrowsAsync<ConflictException>(() => LedgerWriter.LoadAsync(Bucket, stranger, null, _time, None));
        await _store.DeleteAsync(BucketLayout.Block(TestBucket.Ledger, 0), None); // the bundle tells as well
        await Assert.ThrowsAsync<ConflictException>(() => LedgerWriter.LoadAsync(Bucket, stranger, null, _time, None));
        Assert.Empty(await ObjectsAsync("keys"));
    }

    private async Task CommitAsync(long sequence)
    {
        var manifest = await new TestBucket(_store, _time).StoreAsync(
            Run, sequence, _links.LastOrDefault(), ArrayTensor.Random("t", 100, (int)sequence));
        var record = LedgerRecord.ForSnapshot(manifest, ManifestDigest.Of(ManifestCodec.Encode(manifest)));
        _links.Add(Samples.LinkOf(manifest));
        await AppendAsync(_ => record.Encode());
    }

    private async Task AppendAsync(Func<LedgerKeys, byte[]> record)
    {
        var writer = await LoadAsync();
        Assert.True(await writer.TryAppendAsync([record(writer.Tip.Keys)], None));
        await PublishAsync(writer);
    }

    private Task<LedgerWriter> LoadAsync() => LedgerWriter.LoadAsync(Bucket, _signer, null, _time, None);

    private Task PublishAsync(LedgerWriter writer) => new TreePublisher(Bucket, TestWitnesses.Nobody).PublishAsync(writer, None);

    /// <summary>What a silo does when it starts.</summary>
    private async Task HealAsync()
    {
        var writer = await LoadAsync();
        Assert.Equal(5, writer.Tip.Size);
        await new LedgerCheck(Bucket, _signer).RunAsync(writer.Tip, None);
        await PublishAsync(writer);
    }

    private async Task<RunHistory> HistoryAsync() =>
        (await BucketHistory.ReadAsync(Bucket, Run, [TestKeys.TreeHead.Verifier], null, None))!;

    private async Task ProveAsync()
    {
        var proofs = new SnapshotProofs(Bucket, TlogPolicy.Alone(), null);
        foreach (var snapshot in (await HistoryAsync()).Snapshots)
            Assert.NotEmpty((await proofs.ProveAsync(snapshot, None)).Path);
    }

    private async Task<List<AuditFinding>> FindingsAsync(string about)
    {
        var findings = new List<AuditFinding>();
        await BucketAudit.CheckLedgerAsync(Bucket, TlogPolicy.Alone(TestKeys.TreeHead.Verifier), findings, _ => { }, None);
        return findings.Select(f => f with { What = $"{f.What} ({about})" }).ToList();
    }

    private async Task<List<ObjectKey>> ObjectsAsync(string prefix = "")
    {
        var keys = new List<ObjectKey>();
        await foreach (var found in _store.ListAsync(BucketLayout.LedgerPrefix(TestBucket.Ledger) + prefix, None))
            keys.Add(found.Key);
        return keys;
    }

    private async Task DamageAsync(ObjectKey key, string how)
    {
        var bytes = (await _store.GetAsync(key, None))!;
        switch (how)
        {
            case "deleted":
                await _store.DeleteAsync(key, None);
                return;
            case "flipped":
                bytes[bytes.Length / 2] ^= 1;
                break;
            default:
                bytes = how == "emptied" ? [] : bytes[..(bytes.Length / 2)];
                break;
        }

        await _store.PutAsync(key, bytes, None);
    }

    private async Task RestoreAsync(IObjectStore before)
    {
        await foreach (var found in before.ListAsync("", None))
            await _store.PutAsync(found.Key, (await before.GetAsync(found.Key, None))!, None);
    }

    private sealed class Strangers : ISigningKeys
    {
        public IReadOnlyList<SigningKey> Load() => [SigningKey.FromSeed(TestKeys.Origin, new byte[32]), TestKeys.Stranger];

        public SigningKey Make(KeyRole role) => throw new InvalidInputException("it makes none");
    }
}
