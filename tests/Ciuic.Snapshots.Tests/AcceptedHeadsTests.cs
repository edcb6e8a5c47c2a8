using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.Snapshots.Tests;

/// <summary>What a machine remembers of a ledger, and what it refuses therefore.</summary>
public sealed class AcceptedHeadsTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly FakeTimeProvider _time = new(Samples.Time);
    private readonly MemoryObjectStore _store = new();
    private readonly TemporaryFolder _folder = new();
    private readonly AcceptedHeads _accepted;

    public AcceptedHeadsTests() => _accepted = new AcceptedHeads(_folder.File("state"));

    private LedgerBucket Bucket => new(_store, TestBucket.Ledger);

    private string StateFile => _accepted.PlaceOf(Bucket, TestKeys.Public.TreeHead[0]);

    [Fact]
    public async Task A_ledger_that_grows_is_accepted_again_and_again()
    {
        Assert.Null(await AcceptAsync());
        for (var i = 1; i <= 300; i += 50)
        {
            await AppendAsync(i, 50);
            Assert.Equal(i + 49, (await AcceptAsync())!.Head.Size);
        }
    }

    [Fact]
    public async Task The_state_file_has_the_bytes_it_always_had()
    {
        await AppendAsync(1, 3);
        await AcceptAsync();
        Golden.Check("accepted-head-2.golden", await File.ReadAllBytesAsync(StateFile));
    }

    [Fact]
    public async Task What_older_releases_remembered_counts_is_found_by_its_key_and_is_replaced()
    {
        await AppendAsync(1, 2);
        var old = await TestBucket.CopyAsync(_store);
        await AppendAsync(3, 1);
        Directory.CreateDirectory(_folder.File("state"));
        var file = Path.Combine(_folder.File("state"), RememberedHead.OldNameOf(Bucket) + ".accepted-head");
        await File.WriteAllBytesAsync(file, Golden.Read("accepted-head.golden"));
        foreach (var place in new IObjectStore[] { old, new ElsewhereStore(old) })
            Assert.Contains("was rolled back", (await Assert.ThrowsAsync<CorruptException>(() => AcceptAsync(place))).Message);
        Assert.Equal(3, (await AcceptAsync(new ElsewhereStore(_store)))!.Head.Size);
        Assert.Equal([StateFile], Directory.GetFiles(_folder.File("state")));
    }

    [Fact]
    public async Task A_rolled_back_bucket_at_another_place_is_refused_and_both_places_are_named()
    {
        await AppendAsync(1, 3);
        var old = await TestBucket.CopyAsync(_store);
        await AppendAsync(4, 2);
        await AcceptAsync();
        var error = await Assert.ThrowsAsync<CorruptException>(() => AcceptAsync(new ElsewhereStore(old)));
        Assert.Contains("was rolled back, or memory:elsewhere is an older copy of memory:", error.Message);
        Assert.Equal(5, (await AcceptAsync(new ElsewhereStore(_store)))!.Head.Size);
    }

    [Fact]
    public async Task A_rolled_back_bucket_at_another_place_is_known_by_a_key_that_it_does_not_know_itself()
    {
        var signer = TestKeys.NewSigner();
        await AppendAsync(1, 1);
        var old = await TestBucket.CopyAsync(_store);
        var writer = await LedgerWriter.LoadAsync(Bucket, signer, null, _time, None);
        await writer.TryAppendAsync([TestKeys.Rotate(signer, writer.Tip.Keys, KeyRole.TreeHead)], None);
        await new TreePublisher(Bucket, TestWitnesses.Nobody).PublishAsync(writer, None);
        await _accepted.AcceptAsync(Bucket, writer.Tip.Keys, None);
        var error = await Assert.ThrowsAsync<CorruptException>(() => AcceptAsync(new ElsewhereStore(old)));
        Assert.Contains("no key of this ledger", error.Message);
    }

    [Fact]
    public async Task Another_ledger_that_was_put_in_the_place_is_refused_by_its_bucket_wherever_that_is_seen()
    {
        await BucketIdentity.EnsureAsync(_store, _time, None);
        await AppendAsync(1, 2);
        await AcceptAsync();
        var strange = TestKeys.Public with { TreeHead = [SigningKey.FromSeed("ciuic.test/other", new byte[32]).Verifier] };
        await Assert.ThrowsAsync<CorruptException>(
            () => _accepted.AcceptAsync(new LedgerBucket(new ElsewhereStore(_store), TestBucket.Ledger), strange, None));
        Assert.Null(await _accepted.AcceptAsync(
            new LedgerBucket(new ElsewhereStore(new MemoryObjectStore()), TestBucket.Ledger), strange, None)); // somebody else's
    }

    [Fact]
    public async Task What_either_memory_knows_counts_and_both_are_told()
    {
        var (one, other) = (new HeadFiles(_folder.File("one")), new HeadFiles(_folder.File("other")));
        await AppendAsync(1, 3);
        var old = await TestBucket.CopyAsync(_store);
        await AppendAsync(4, 2);
        await new AcceptedHeads(other).AcceptAsync(Bucket, TestKeys.Public, None);
        var both = new AcceptedHeads(one, other);
        var bucket = new LedgerBucket(old, TestBucket.Ledger);
        await Assert.ThrowsAsync<CorruptException>(() => both.AcceptAsync(bucket, TestKeys.Public, None));
        await both.AcceptAsync(Bucket, TestKeys.Public, None);
        await Assert.ThrowsAsync<CorruptException>(() => new AcceptedHeads(one).AcceptAsync(bucket, TestKeys.Public, None));
    }

    [Fact]
    public async Task A_ledger_that_was_rolled_back_is_refused_naming_both_heads()
    {
        await AppendAsync(1, 3);
        var old = await TestBucket.CopyAsync(_store);
        await AppendAsync(4, 2);
        await AcceptAsync();
        var error = await Assert.ThrowsAsync<CorruptException>(() => AcceptAsync(old));
        Assert.Contains("shows the tree head of size 3", error.Message);
        Assert.Contains("has accepted the tree head of size 5", error.Message);
        Assert.Contains("was rolled back", error.Message);
        Assert.Contains(StateFile, error.Message);
    }

    [Fact]
    public async Task A_ledger_that_was_forked_is_refused_whether_shorter_longer_or_as_long()
    {
        await AppendAsync(1, 5);
        await AcceptAsync();
        foreach (var size in (int[])[3, 5, 8])
        {
            var fork = new MemoryObjectStore();
            await AppendAsync(fork, 100, size);
            var error = await Assert.ThrowsAsync<CorruptException>(() => AcceptAsync(fork));
            Assert.Contains($"of size {size}", error.Message);
            Assert.Contains("of size 5", error.Message);
        }
    }

    [Fact]
    public async Task A_ledger_of_other_keys_or_none_at_all_is_refused()
    {
        await AppendAsync(1, 2);
        await AcceptAsync();
        var strangers = TestKeys.Public with { TreeHead = [SigningKey.FromSeed(TestKeys.Origin, new byte[32]).Verifier] };
        var error = await Assert.ThrowsAsync<CorruptException>(() => _accepted.AcceptAsync(Bucket, strangers, None));
        Assert.Contains("no key of this ledger", error.Message);
        error = await Assert.ThrowsAsync<CorruptException>(() => AcceptAsync(new MemoryObjectStore()));
        Assert.Contains("no tree head", error.Message);
    }

    [Fact]
    public async Task An_older_checkpoint_that_a_late_writer_put_back_is_no_rollback()
    {
        await AppendAsync(1, 3);
        var old = (await Bucket.GetCheckpointAsync(None))!;
        await AppendAsync(4, 2);
        await AcceptAsync();
        await Bucket.PutCheckpointAsync(old, None);
        Assert.Equal(5, (await AcceptAsync())!.Head.Size);
    }

    [Fact]
    public async Task A_damaged_state_file_is_no_excuse_to_forget()
    {
        await AppendAsync(1, 2);
        await AcceptAsync();
        await File.WriteAllTextAsync(StateFile, "rubbish");
        var error = await Assert.ThrowsAsync<InvalidInputException>(AcceptAsync);
        Assert.Contains(StateFile, error.Message);
    }

    [Fact]
    public async Task Any_two_sizes_are_proven_consistent()
    {
        await AppendAsync(1, 40);
        for (var older = 0; older <= 40; older += 3)
        {
            for (var newer = older; newer <= 40; newer += 4)
            {
                var (first, second, path) = await ConsistencyProof.MakeAsync(Bucket, [], older, newer, None);
                Assert.True(MerkleProofs.VerifyConsistency(older, newer, first.Root, second.Root, path));
            }
        }

        await Assert.ThrowsAsync<InvalidInputException>(() => ConsistencyProof.MakeAsync(Bucket, [], 5, 41, None));
        await Assert.ThrowsAsync<InvalidInputException>(() => ConsistencyProof.MakeAsync(Bucket, [], 6, 5, None));
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>The same bucket under another name.</summary>
    private sealed class ElsewhereStore(IObjectStore inner) : IObjectStore
    {
        public string Location => "memory:elsewhere";

        public Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel) => inner.GetAsync(key, cancel);

        public Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel) =>
            inner.GetRangeAsync(key, offset, buffer, cancel);

        public Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel) => inner.GetLengthAsync(key, cancel);

        public Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
            inner.CreateAsync(key, content, cancel);

        public Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) => inner.PutAsync(key, content, cancel);

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancel) => inner.ListAsync(prefix, cancel);

        public Task DeleteAsync(ObjectKey key, CancellationToken cancel) => inner.DeleteAsync(key, cancel);
    }

    private Task<SignedTreeHead?> AcceptAsync() => AcceptAsync(_store);

    private Task<SignedTreeHead?> AcceptAsync(IObjectStore store) =>
        _accepted.AcceptAsync(new LedgerBucket(store, TestBucket.Ledger), TestKeys.Public, None);

    private Task AppendAsync(int from, int count) => AppendAsync(_store, from, count);

    private async Task AppendAsync(IObjectStore store, int from, int count)
    {
        var bucket = new LedgerBucket(store, TestBucket.Ledger);
        var writer = await LedgerWriter.LoadAsync(bucket, TestKeys.Signer, null, _time, None);
        for (var i = from; i < from + count; i++)
            await writer.TryAppendAsync([Samples.Record(i).Encode()], None);
        await new TreePublisher(bucket, TestWitnesses.Nobody).PublishAsync(writer, None);
    }
}
