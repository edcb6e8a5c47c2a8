using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.Snapshots.Tests;

/// <summary>The notes of keys beside a ledger: who may write them, and that they are never needed.</summary>
public sealed class KeyNotesTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly FakeTimeProvider _time = new(Samples.Time);
    private readonly MemoryObjectStore _store = new();
    private readonly LedgerSigner _signer = TestKeys.NewSigner();
    private readonly TemporaryFolder _folder = new();
    private readonly AcceptedHeads _accepted;

    public KeyNotesTests() => _accepted = new AcceptedHeads(_folder.File("state"));

    private LedgerBucket Bucket => new(_store, TestBucket.Ledger);

    private ObjectKey NoteAfter1 => BucketLayout.KeysAfter(TestBucket.Ledger, 1);

    [Fact]
    public async Task A_writer_behind_a_rotation_never_takes_the_published_head_back()
    {
        var late = await LoadAsync();
        await late.TryAppendAsync([Samples.Record(1).Encode()], None);
        await RotateAndPublishAsync();
        await PublishAsync(late);
        var keys = await KeyNotes.ReadAsync(Bucket, [], None);
        Assert.Equal(2, PublishedHeads.TryOpen(await Bucket.GetCheckpointAsync(None), keys.Newest)!.Head.Size);
    }

    [Fact]
    public async Task Without_the_note_of_a_rotation_the_blocks_tell_its_keys()
    {
        await FillAsync();
        var keys = (await LoadAsync()).Tip.Keys;
        await _accepted.AcceptAsync(Bucket, keys, None);
        await _store.DeleteAsync(NoteAfter1, None);
        var first = (await KeyNotes.ReadAsync(Bucket, [TestKeys.TreeHead.Verifier], None)).Newest;
        Assert.Single(first.TreeHead);
        Assert.Equal(2, (await _accepted.AcceptAsync(Bucket, first, None))!.Head.Size);

        var writer = await LedgerWriter.LoadAsync(Bucket, _signer, (await _accepted.RecallAsync(Bucket, _signer.TreeHeadVerifiers, None))?.Head, _time, None);
        await PublishAsync(writer);
        Assert.Equal(keys, (await KeyNotes.ReadAsync(Bucket, [TestKeys.TreeHead.Verifier], None)).Newest);
    }

    [Fact]
    public async Task A_missing_or_false_note_is_found_by_the_audit()
    {
        await FillAsync();
        Assert.Empty(await AuditAsync());
        var note = (await _store.GetAsync(NoteAfter1, None))!;
        await _store.PutAsync(BucketLayout.KeysAfter(TestBucket.Ledger, 0), note, None);
        await _store.PutAsync(BucketLayout.KeysAfter(TestBucket.Ledger, 7), note, None);
        await _store.DeleteAsync(NoteAfter1, None);
        var findings = await AuditAsync();
        Assert.Equal(
            ["keys.0", "keys.1", "keys.7"],
            findings.Where(f => f.Where.Contains("keys.")).Select(f => f.Where[f.Where.IndexOf("keys.", StringComparison.Ordinal)..]).Order());
    }

    [Fact]
    public async Task A_key_that_was_replaced_vouches_for_nothing_that_came_later()
    {
        await FillAsync();
        var keys = (await LoadAsync()).Tip.Keys;
        var stolen = TestKeys.TreeHead;
        var evil = SigningKey.FromSeed(TestKeys.Origin, new byte[32]);
        var forged = (keys with { TreeHead = [.. keys.TreeHead, evil.Verifier] }).Sign(stolen, evil);
        Assert.Throws<CorruptException>(() => LedgerKeys.Open(forged, keys.TreeHead));
        await _store.PutAsync(BucketLayout.KeysAfter(TestBucket.Ledger, 9), forged, None);
        Assert.Equal(keys, (await KeyNotes.ReadAsync(Bucket, [stolen.Verifier], None)).Newest);
        Assert.Equal(keys, (await KeyNotes.ReadAsync(Bucket, [keys.ActiveTreeHead], None)).Newest);
    }

    [Fact]
    public void A_note_that_names_a_key_twice_is_refused()
    {
        var twice = TestKeys.Public with { TreeHead = [TestKeys.TreeHead.Verifier, TestKeys.TreeHead.Verifier] };
        var error = Assert.Throws<CorruptException>(() => LedgerKeys.Open(twice.Sign(TestKeys.TreeHead), twice.TreeHead));
        Assert.Contains("names a key twice", error.Message);
    }

    [Fact]
    public async Task A_ledger_of_others_without_its_note_is_not_taken_over()
    {
        await FillAsync();
        var note = (await Bucket.GetKeysAsync(None))!;
        foreach (var name in (string[])[BucketLayout.KeysPath, BucketLayout.KeysCopyPath])
            await _store.DeleteAsync(BucketLayout.Tile(TestBucket.Ledger, name), None);
        var stranger = new LedgerSigner(TestKeys.Origin, new Strangers());
        var error = await Assert.ThrowsAsync<ConflictException>(() => LedgerWriter.LoadAsync(Bucket, stranger, null, _time, None));
        Assert.Contains("made with other keys", error.Message);
        Assert.Null(await Bucket.GetKeysAsync(None));
        await LoadAsync(); // its own silo writes it again
        Assert.Equal(note, await Bucket.GetKeysAsync(None));
    }

    public void Dispose() => _folder.Dispose();

    private async Task FillAsync()
    {
        var writer = await LoadAsync();
        await writer.TryAppendAsync([Samples.Record(1).Encode()], None);
        await RotateAndPublishAsync();
    }

    private async Task RotateAndPublishAsync()
    {
        var writer = await LoadAsync();
        await writer.TryAppendAsync([TestKeys.Rotate(_signer, writer.Tip.Keys, KeyRole.TreeHead)], None);
        await PublishAsync(writer);
    }

    private Task<LedgerWriter> LoadAsync() => LedgerWriter.LoadAsync(Bucket, _signer, null, _time, None);

    private Task PublishAsync(LedgerWriter writer) => new TreePublisher(Bucket, TestWitnesses.Nobody).PublishAsync(writer, None);

    private async Task<List<AuditFinding>> AuditAsync()
    {
        var findings = new List<AuditFinding>();
        await BucketAudit.CheckLedgerAsync(Bucket, TlogPolicy.Alone(TestKeys.TreeHead.Verifier), findings, _ => { }, None);
        return findings;
    }

    private sealed class Strangers : ISigningKeys
    {
        public IReadOnlyList<SigningKey> Load() =>
            [TestKeys.Stranger, SigningKey.FromSeed(TestKeys.Origin, new byte[32])];

        public SigningKey Make(KeyRole role) => throw new InvalidInputException("it makes none");
    }
}
