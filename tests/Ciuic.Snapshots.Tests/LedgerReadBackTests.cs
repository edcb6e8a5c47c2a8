using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.Snapshots.Tests;

/// <summary>What a commit is acknowledged on is read back: a store that damages what it takes, or lets two writers win, loses nothing.</summary>
public sealed class LedgerReadBackTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly FakeTimeProvider _time = new(Samples.Time);
    private readonly MemoryObjectStore _memory = new();
    private readonly CarelessStore _store;

    public LedgerReadBackTests() => _store = new CarelessStore(_memory);

    private LedgerBucket Bucket => new(_store, TestBucket.Ledger);

    [Fact]
    public async Task A_block_that_is_damaged_on_its_way_is_written_again_before_it_is_acknowledged()
    {
        var writer = await LoadAsync();
        _store.Damages = (key, isPut) => key.Path.Contains("/block/") && !isPut;
        for (var i = 1; i <= 3; i++)
            Assert.True(await writer.TryAppendAsync([Samples.Record(i).Encode()], None));
        Assert.Equal(["block/0", "block/1", "block/2"], writer.TakeMended());
        _store.Damages = (_, _) => false;
        Assert.Equal(3, (await LoadAsync()).Tip.Size);
    }

    [Fact]
    public async Task Where_every_write_is_damaged_nothing_is_acknowledged_and_the_object_is_named()
    {
        var writer = await LoadAsync();
        _store.Damages = (key, _) => key.Path.Contains("/block/");
        var error = await Assert.ThrowsAsync<CorruptException>(() => writer.TryAppendAsync([Samples.Record(1).Encode()], None));
        Assert.Contains("ledgers/main/block/0", error.Message);
    }

    [Fact]
    public async Task A_block_that_is_not_there_although_it_was_taken_is_an_unknown_outcome()
    {
        var writer = await LoadAsync();
        _store.Loses = key => key.Path.Contains("/block/");
        await Assert.ThrowsAsync<UnavailableException>(() => writer.TryAppendAsync([Samples.Record(1).Encode()], None));
    }

    [Fact]
    public async Task A_writer_whose_block_another_one_has_replaced_is_told_and_acknowledges_nothing()
    {
        var (mine, other) = (await LoadAsync(), await LoadAsync());
        _store.Replaces = true; // as Ceph 16 does in a bucket with versioning
        _store.Before = async key =>
        {
            _store.Before = null;
            Assert.True(await other.TryAppendAsync([Samples.Record(2).Encode()], None));
            _store.After = () => other.Tip.Size == 1 ? _memory.PutAsync(key, _store.First!, None) : Task.CompletedTask;
        };
        var error = await Assert.ThrowsAsync<CorruptException>(() => mine.TryAppendAsync([Samples.Record(1).Encode()], None));
        Assert.Contains("TWO WRITERS WON block 0", error.Message);
        Assert.Contains("versioning", error.Message);
    }

    [Fact]
    public async Task A_writer_that_is_behind_replaces_no_block_even_where_create_if_absent_is_gone()
    {
        var (mine, other) = (await LoadAsync(), await LoadAsync());
        _store.Replaces = true;
        Assert.True(await other.TryAppendAsync([Samples.Record(2).Encode()], None));
        Assert.False(await mine.TryAppendAsync([Samples.Record(1).Encode()], None));
        Assert.True(await mine.TryAppendAsync([Samples.Record(1).Encode()], None));
        var records = new List<long>();
        await foreach (var linked in Bucket.FollowAsync(LedgerTip.Start(TestKeys.Public), 0, None))
            records.AddRange(linked.Block.Facts().Select(f => f.Record.Sequence.Value));
        Assert.Equal([2, 1], records);
    }

    [Theory]
    [InlineData("keys")]
    [InlineData("keys.copy")]
    public async Task A_note_of_keys_that_is_damaged_on_its_way_is_written_again(string name)
    {
        _store.Damages = (key, isPut) => key == BucketLayout.Tile(TestBucket.Ledger, name) && !isPut;
        await LoadAsync();
        Assert.Equal(TestKeys.Public, LedgerKeys.Open((await Bucket.GetTileAsync(name, None))!, [TestKeys.TreeHead.Verifier]));
    }

    private Task<LedgerWriter> LoadAsync() => LedgerWriter.LoadAsync(Bucket, TestKeys.Signer, null, _time, None);

    /// <summary>Flips bits of what it takes, loses it, or replaces what is there.</summary>
    private sealed class CarelessStore(MemoryObjectStore inner) : IObjectStore
    {
        public Func<ObjectKey, bool, bool> Damages { get; set; } = (_, _) => false;

        public Func<ObjectKey, bool> Loses { get; set; } = _ => false;

        public bool Replaces { get; set; }

        /// <summary>Runs before a block is created.</summary>
        public Func<ObjectKey, Task>? Before { get; set; }

        /// <summary>Runs after a block was created.</summary>
        public Func<Task>? After { get; set; }

        /// <summary>The first block that was created.</summary>
        public byte[]? First { get; private set; }

        public string Location => inner.Location;

        public Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel) => inner.GetAsync(key, cancel);

        public Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel) =>
            inner.GetRangeAsync(key, offset, buffer, cancel);

        public Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel) => inner.GetLengthAsync(key, cancel);

        public async Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel)
        {
            if (Loses(key))
                return CreateResult.Created;
            var isBlock = key.Path.Contains("/block/", StringComparison.Ordinal);
            if (isBlock && Before is { } before)
                await before(key);
            if (isBlock)
                First ??= content.ToArray();
            var result = CreateResult.Created;
            if (Replaces)
                await inner.PutAsync(key, content, cancel);
            else
                result = await inner.CreateAsync(key, Taken(key, content, isPut: false), cancel);
            if (isBlock && After is { } after)
                await after();
            return result;
        }

        public Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
            inner.PutAsync(key, Taken(key, content, isPut: true), cancel);

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancel) => inner.ListAsync(prefix, cancel);

        public Task DeleteAsync(ObjectKey key, CancellationToken cancel) => inner.DeleteAsync(key, cancel);

        private byte[] Taken(ObjectKey key, ReadOnlyMemory<byte> content, bool isPut)
        {
            var bytes = content.ToArray();
            if (Damages(key, isPut))
                bytes[bytes.Length / 2] ^= 1;
            return bytes;
        }
    }
}
