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
        Golden.Check("accepted-head.golden", await File.ReadAllBytesAsync(_accepted.PathOf(Bucket)));
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
        Assert.Contains(_accepted.PathOf(Bucket), error.Message);
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
        await File.WriteAllTextAsync(_accepted.PathOf(Bucket), "rubbish");
        var error = await Assert.ThrowsAsync<InvalidInputException>(AcceptAsync);
        Assert.Contains(_accepted.PathOf(Bucket), error.Message);
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
