using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Storage.Tests;

public sealed class RetryingObjectStoreTests : StoreConformance
{
    private static readonly ObjectKey Key = new("a");
    private static readonly RetryOptions Quick = new() { FirstDelay = TimeSpan.Zero, MaxRetries = 3 };

    private readonly MemoryObjectStore _inner = new();
    private readonly FaultyObjectStore _faulty;

    public RetryingObjectStoreTests()
    {
        _faulty = new FaultyObjectStore(_inner);
        Store = new RetryingObjectStore(_faulty, Quick, TimeProvider.System);
    }

    protected override IObjectStore Store { get; }

    [Fact]
    public async Task A_create_whose_answer_was_lost_is_created()
    {
        _faulty.Arm(0, Fault.FailsAfter);
        Assert.Equal(CreateResult.Created, await Store.CreateAsync(Key, Bytes(1, 10), CancellationToken.None));
    }

    [Fact]
    public async Task A_create_that_lost_to_another_while_its_answer_was_lost_already_exists()
    {
        await _inner.CreateAsync(Key, Bytes(2, 10), CancellationToken.None);
        _faulty.Arm(0, Fault.FailsBefore);
        Assert.Equal(CreateResult.AlreadyExists, await Store.CreateAsync(Key, Bytes(1, 10), CancellationToken.None));
    }

    [Fact]
    public async Task A_list_that_breaks_off_is_begun_anew_and_tells_everything_once()
    {
        var keys = Enumerable.Range(0, 10).Select(i => new ObjectKey($"many/{i}")).ToList();
        foreach (var key in keys)
            await _inner.CreateAsync(key, Bytes(1, 1), CancellationToken.None);
        var store = new RetryingObjectStore(new BreakingList(_inner, [0, 3, 7]), Quick, TimeProvider.System);
        var told = new List<ObjectKey>();
        await foreach (var found in store.ListAsync("many/", CancellationToken.None))
            told.Add(found.Key);
        Assert.Equal(keys.Order(Comparer<ObjectKey>.Create((a, b) => string.CompareOrdinal(a.Path, b.Path))), told.OrderBy(k => k.Path, StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_store_that_never_answers_is_unavailable_in_the_end()
    {
        var store = new RetryingObjectStore(new DeadStore(), Quick, TimeProvider.System);
        await Assert.ThrowsAsync<UnavailableException>(() => store.GetAsync(Key, CancellationToken.None));
    }

    private sealed class DeadStore : IObjectStore
    {
        public string Location => "dead:";

        public Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel) => throw Dead();

        public Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel) => throw Dead();

        public Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel) => throw Dead();

        public Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) => throw Dead();

        public Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) => throw Dead();

        public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancel) => throw Dead();

        public Task DeleteAsync(ObjectKey key, CancellationToken cancel) => throw Dead();

        private static UnavailableException Dead() => new("dead");
    }

    /// <summary>Its lists break off after so many objects, one after the other, and then no more.</summary>
    private sealed class BreakingList(MemoryObjectStore inner, Queue<int> breaks) : IObjectStore
    {
        public BreakingList(MemoryObjectStore inner, int[] breaks)
            : this(inner, new Queue<int>(breaks))
        {
        }

        public string Location => inner.Location;

        public Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel) => inner.GetAsync(key, cancel);

        public Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel) =>
            inner.GetRangeAsync(key, offset, buffer, cancel);

        public Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel) => inner.GetLengthAsync(key, cancel);

        public Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
            inner.CreateAsync(key, content, cancel);

        public Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) => inner.PutAsync(key, content, cancel);

        public async IAsyncEnumerable<ObjectInfo> ListAsync(
            string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
        {
            var left = breaks.TryDequeue(out var count) ? count : int.MaxValue;
            await foreach (var found in inner.ListAsync(prefix, cancel))
            {
                if (left-- == 0)
                    throw new UnavailableException("injected: the list breaks off");
                yield return found;
            }
        }

        public Task DeleteAsync(ObjectKey key, CancellationToken cancel) => inner.DeleteAsync(key, cancel);
    }
}
