using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.Snapshots.Tests;

/// <summary>From tensor bytes to the quorum, and back from a file.</summary>
public sealed class ProofsTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly MemoryObjectStore _store = new();
    private readonly TestWitnesses _witnesses;
    private readonly TestBucket _bucket;
    private readonly SnapshotProofs _proofs;

    public ProofsTests()
    {
        var time = new FakeTimeProvider(Samples.Time);
        _witnesses = new TestWitnesses(time, TestKeys.TreeHead.Verifier);
        _bucket = new TestBucket(_store, time, _witnesses.Cosigners);
        _proofs = new SnapshotProofs(_bucket.LedgerBucket, _witnesses.Policy, null);
    }

    [Fact]
    public async Task A_snapshot_is_tied_to_the_quorum_link_by_link()
    {
        await FillAsync();
        var links = new List<VerifiedLink>();
        await _proofs.VerifyAsync(Samples.Run, await FindAsync("step:20"), null, 2, links.Add, None);
        Assert.Equal(
            ["tensor bytes -> chunks", "chunks -> manifest", "manifest -> record", "record -> block", "block -> tree head", "tree head -> ledger key", "tree head -> quorum"],
            links.Select(l => l.Link));
        Assert.Contains("witness.test/w", links[^1].Evidence);
    }

    [Fact]
    public async Task A_proof_is_checked_by_a_stranger_with_public_keys_alone()
    {
        await FillAsync();
        var snapshot = await FindAsync("#2");
        var proof = TlogProof.Parse((await _proofs.ProveAsync(snapshot, None)).Encode());
        var proven = SnapshotProofs.CheckProof(proof, _witnesses.Policy, snapshot.Link.Manifest, _ => { });
        Assert.Equal(3, proven.Head.Head.Size);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task After_a_rotation_of_the_tree_head_key_any_key_of_the_ledger_verifies_old_and_new_heads(bool trustsTheOld, bool hasNote)
    {
        var time = new FakeTimeProvider(Samples.Time);
        var bucket = new TestBucket(_store, time);
        await bucket.CommitAsync(Samples.Run, 1, null, ArrayTensor.Random("t", 100, 1));
        var snapshot = await new SnapshotProofs(bucket.LedgerBucket, TlogPolicy.Alone(), null).FindAsync(Samples.Run, SnapshotRef.Parse("#1"), None);
        var before = await new SnapshotProofs(bucket.LedgerBucket, TlogPolicy.Alone(), null).ProveAsync(snapshot, None);
        var signer = TestKeys.NewSigner();
        var writer = await LedgerWriter.LoadAsync(bucket.LedgerBucket, signer, null, time, None);
        await writer.TryAppendAsync([TestKeys.Rotate(signer, writer.Tip.Keys, KeyRole.TreeHead)], None);
        await new TreePublisher(bucket.LedgerBucket, TestWitnesses.Nobody).PublishAsync(writer, None);
        var keys = writer.Tip.Keys.TreeHead;
        if (!hasNote)
            await _store.DeleteAsync(BucketLayout.KeysAfter(TestBucket.Ledger, 1), None);

        var proofs = new SnapshotProofs(bucket.LedgerBucket, TlogPolicy.Alone(trustsTheOld ? keys[0] : keys[1]), null);
        await proofs.VerifyAsync(Samples.Run, await proofs.FindAsync(Samples.Run, SnapshotRef.Parse("#1"), None), null, 2, _ => { }, None);
        await proofs.VerifyAsync(Samples.Run, snapshot, before, 2, _ => { }, None);
        Assert.Equal(2, (await proofs.ProveAsync(snapshot, None)).Verify(TlogPolicy.Alone(keys)).Head.Head.Size);
    }

    [Fact]
    public async Task A_proof_for_another_snapshot_is_refused()
    {
        await FillAsync();
        var (one, two) = (await FindAsync("#1"), await FindAsync("#2"));
        var proof = await _proofs.ProveAsync(one, None);
        var error = Assert.Throws<CorruptException>(() =>
            SnapshotProofs.CheckProof(proof, _witnesses.Policy, two.Link.Manifest, _ => { }));
        Assert.Contains("block 0 commits sample#1, none with the digest", error.Message);
        await Assert.ThrowsAsync<CorruptException>(() => _proofs.VerifyAsync(Samples.Run, two, proof, 2, _ => { }, None));
    }

    [Fact]
    public async Task A_proof_of_a_fork_that_the_ledgers_own_keys_signed_is_refused()
    {
        await FillAsync();
        var other = await TestBucket.CopyAsync(_store);
        var fork = new TestBucket(other, new FakeTimeProvider(Samples.Time), new TestWitnesses(TimeProvider.System, TestKeys.TreeHead.Verifier).Cosigners);
        await _bucket.CommitAsync(Samples.Run, 4, null, ArrayTensor.Random("t", 100, 4));
        await fork.CommitAsync(Samples.Run, 4, null, ArrayTensor.Random("t", 100, 5));
        var snapshot = await FindAsync("#2");
        var proof = await new SnapshotProofs(fork.LedgerBucket, _witnesses.Policy, null).ProveAsync(snapshot, None);
        var error = await Assert.ThrowsAsync<CorruptException>(() => _proofs.VerifyAsync(Samples.Run, snapshot, proof, 2, _ => { }, None));
        Assert.Contains("the proof's tree head of size 4", error.Message);
        var links = new List<VerifiedLink>();
        await _proofs.VerifyAsync(Samples.Run, snapshot, await _proofs.ProveAsync(snapshot, None), 2, links.Add, None);
        Assert.Contains(links, l => l.Link == "tree head -> ledger");
    }

    [Fact]
    public async Task A_proof_without_the_quorum_is_refused()
    {
        await FillAsync();
        var alone = new SnapshotProofs(_bucket.LedgerBucket, TlogPolicy.Alone(), null);
        var proof = await alone.ProveAsync(await FindAsync("#1"), None);
        var others = new TestWitnesses(TimeProvider.System, TestKeys.TreeHead.Verifier).Policy;
        Assert.NotNull(SnapshotProofs.CheckProof(proof, others, null, _ => { }));
        var strict = TlogPolicy.Parse($"log {TestKeys.TreeHead.Verifier}\nwitness x {SigningKey.FromSeed("x", KeyAlgorithm.Ed25519Cosignature, new byte[32]).Verifier}\nquorum x\n");
        Assert.Throws<CorruptException>(() => SnapshotProofs.CheckProof(proof, strict, null, _ => { }));
    }

    [Fact]
    public async Task A_committed_snapshot_that_is_not_final_yet_has_no_proof_yet()
    {
        await FillAsync();
        foreach (var witness in _witnesses.All)
            witness.IsAway = true;
        await Assert.ThrowsAsync<UnavailableException>(() => _bucket.CommitAsync(Samples.Run, 4, null, ArrayTensor.Random("t", 100, 4)));
        var error = await Assert.ThrowsAsync<UnavailableException>(async () => await _proofs.ProveAsync(await FindAsync("latest"), None));
        Assert.Contains("not final yet", error.Message);
    }

    [Fact]
    public async Task A_damaged_byte_breaks_the_first_link_and_is_named()
    {
        await FillAsync();
        await foreach (var found in _store.ListAsync(BucketLayout.ChunksPrefix, None))
        {
            var bytes = (await _store.GetAsync(found.Key, None))!;
            bytes[^1] ^= 1;
            await _store.PutAsync(found.Key, bytes, None);
        }

        var error = await Assert.ThrowsAsync<CorruptException>(async () =>
            await _proofs.VerifyAsync(Samples.Run, await FindAsync("#1"), null, 2, _ => { }, None));
        Assert.Contains("tensor model/t", error.Message);
    }

    [Fact]
    public async Task What_is_not_there_is_not_found()
    {
        await Assert.ThrowsAsync<NotFoundException>(() => _proofs.FindAsync(Samples.Run, new SnapshotRef.Latest(), None));
        await FillAsync();
        await Assert.ThrowsAsync<NotFoundException>(() => _proofs.FindAsync(RunId.Parse("other"), new SnapshotRef.Latest(), None));
        await Assert.ThrowsAsync<NotFoundException>(() => FindAsync("step:21"));
    }

    [Fact]
    public async Task A_proof_from_before_a_rotation_keeps_verifying()
    {
        await FillAsync();
        var old = await _proofs.ProveAsync(await FindAsync("#1"), None);
        var signer = TestKeys.NewSigner();
        var writer = await LedgerWriter.LoadAsync(_bucket.LedgerBucket, signer, null, TimeProvider.System, None);
        foreach (var role in (KeyRole[])[KeyRole.Blocks, KeyRole.TreeHead])
            Assert.True(await writer.TryAppendAsync([TestKeys.Rotate(signer, writer.Tip.Keys, role)], None));
        await new TreePublisher(_bucket.LedgerBucket, TestWitnesses.Nobody).PublishAsync(writer, None);
        Assert.Equal(0, SnapshotProofs.CheckProof(old, _witnesses.Policy, null, _ => { }).Block.Height);
        var fresh = await new SnapshotProofs(_bucket.LedgerBucket, TlogPolicy.Alone(), null).ProveAsync(await FindAsync("#1"), None);
        Assert.Throws<CorruptException>(() => fresh.Verify(TlogPolicy.Alone(TestKeys.TreeHead.Verifier)));
        Assert.Equal(5, fresh.Verify(TlogPolicy.Alone([.. writer.Tip.Keys.TreeHead])).Head.Head.Size);
    }

    private async Task FillAsync()
    {
        SnapshotLink? parent = null;
        for (var i = 1; i <= 3; i++)
            parent = Samples.LinkOf(await _bucket.CommitAsync(Samples.Run, i, parent, ArrayTensor.Random("t", 50_000, i)));
    }

    private Task<CommittedSnapshot> FindAsync(string reference) =>
        _proofs.FindAsync(Samples.Run, SnapshotRef.Parse(reference), None);
}
