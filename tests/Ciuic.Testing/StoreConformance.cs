using Ciuic.Core;
using Ciuic.Storage;
using Xunit;

namespace Ciuic.Testing;

/// <summary>What every store must do; each store's test class inherits it.</summary>
public abstract class StoreConformance
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly ObjectKey Key = new("folder/object");

    protected abstract IObjectStore Store { get; }

    [Fact]
    public async Task What_is_not_there_is_null()
    {
        Assert.Null(await Store.GetAsync(Key, None));
        Assert.Null(await Store.GetLengthAsync(Key, None));
        Assert.Null(await Store.GetRangeAsync(Key, 0, new byte[1], None));
    }

    [Fact]
    public async Task A_created_object_is_read_back_whole()
    {
        Assert.Equal(CreateResult.Created, await Store.CreateAsync(Key, Bytes(1, 100_000), None));
        Assert.Equal(Bytes(1, 100_000), await Store.GetAsync(Key, None));
        Assert.Equal(100_000, await Store.GetLengthAsync(Key, None));
    }

    [Fact]
    public async Task A_second_create_changes_nothing()
    {
        await Store.CreateAsync(Key, Bytes(1, 10), None);
        Assert.Equal(CreateResult.AlreadyExists, await Store.CreateAsync(Key, Bytes(2, 20), None));
        Assert.Equal(Bytes(1, 10), await Store.GetAsync(Key, None));
    }

    [Fact]
    public async Task Of_many_concurrent_creators_exactly_one_wins_and_its_bytes_are_there()
    {
        for (var race = 0; race < 20; race++)
        {
            var key = new ObjectKey($"race/{race}");
            var results = await Task.WhenAll(Enumerable.Range(0, 8)
                .Select(i => Task.Run(() => Store.CreateAsync(key, Bytes(i, 1_000), None))));
            var winner = Array.IndexOf(results, CreateResult.Created);
            Assert.Single(results, CreateResult.Created);
            Assert.Equal(Bytes(winner, 1_000), await Store.GetAsync(key, None));
        }
    }

    [Fact]
    public async Task Put_writes_and_replaces()
    {
        await Store.PutAsync(Key, Bytes(1, 10), None);
        await Store.PutAsync(Key, Bytes(2, 5), None);
        Assert.Equal(Bytes(2, 5), await Store.GetAsync(Key, None));
    }

    [Fact]
    public async Task Readers_see_a_replaced_object_whole()
    {
        await Store.PutAsync(Key, Bytes(0, 50_000), None);
        var writing = Task.Run(async () =>
        {
            for (var i = 1; i < 30; i++)
                await Store.PutAsync(Key, Bytes(i, 50_000), None);
        });
        while (!writing.IsCompleted)
        {
            var seen = (await Store.GetAsync(Key, None))!;
            Assert.Equal(50_000, seen.Length);
            Assert.True(seen.AsSpan().IndexOfAnyExcept(seen[0]) < 0);
        }

        await writing;
    }

    [Fact]
    public async Task An_empty_object_is_an_object()
    {
        await Store.CreateAsync(Key, Array.Empty<byte>(), None);
        Assert.Empty((await Store.GetAsync(Key, None))!);
        Assert.Equal(0, await Store.GetLengthAsync(Key, None));
        Assert.Equal(0, await Store.GetRangeAsync(Key, 0, new byte[1], None));
    }

    [Theory]
    [InlineData(0, 10, 10)]
    [InlineData(5, 10, 10)]
    [InlineData(15, 10, 5)]
    [InlineData(20, 10, 0)]
    [InlineData(25, 10, 0)]
    [InlineData(3, 0, 0)]
    public async Task A_range_ends_where_the_object_ends(int offset, int asked, int given)
    {
        var content = Enumerable.Range(0, 20).Select(i => (byte)i).ToArray();
        await Store.CreateAsync(Key, content, None);
        var buffer = new byte[asked];
        Assert.Equal(given, await Store.GetRangeAsync(Key, offset, buffer, None));
        Assert.Equal(content.Skip(offset).Take(given), buffer.Take(given));
    }

    [Fact]
    public async Task Listing_finds_what_begins_with_the_prefix_and_nothing_else()
    {
        foreach (var path in new[] { "a/1", "a/2", "a/b/3", "ab/4", "c" })
            await Store.CreateAsync(new ObjectKey(path), Bytes(1, path.Length), None);
        Assert.Equal(["a/1", "a/2", "a/b/3"], await ListAsync("a/"));
        Assert.Equal(["a/1", "a/2", "a/b/3", "ab/4"], await ListAsync("a"));
        Assert.Equal(["a/b/3"], await ListAsync("a/b"));
        Assert.Equal(5, (await ListAsync("")).Count);
        Assert.Empty(await ListAsync("x/y/"));
    }

    [Fact]
    public async Task Listing_tells_lengths()
    {
        await Store.CreateAsync(Key, Bytes(1, 123), None);
        await foreach (var found in Store.ListAsync("folder/", None))
            Assert.Equal(new ObjectInfo(Key, 123), found);
    }

    [Fact]
    public async Task A_deleted_object_is_gone_and_may_be_created_again()
    {
        await Store.CreateAsync(Key, Bytes(1, 10), None);
        await Store.DeleteAsync(Key, None);
        await Store.DeleteAsync(Key, None);
        Assert.Null(await Store.GetAsync(Key, None));
        Assert.Equal(CreateResult.Created, await Store.CreateAsync(Key, Bytes(2, 10), None));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData("../a")]
    [InlineData("a/./b")]
    [InlineData("a\\b")]
    [InlineData("a b")]
    [InlineData("~tmp/x")]
    public void What_is_no_key_is_refused(string path) =>
        Assert.Throws<InvalidInputException>(() => new ObjectKey(path));

    [Fact]
    public async Task A_cancelled_call_ends() => await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
        Store.CreateAsync(Key, Bytes(1, 10), new CancellationToken(canceled: true)));

    protected static byte[] Bytes(int value, int count) => Enumerable.Repeat((byte)value, count).ToArray();

    private async Task<List<string>> ListAsync(string prefix)
    {
        var paths = new List<string>();
        await foreach (var found in Store.ListAsync(prefix, None))
            paths.Add(found.Key.Path);
        paths.Sort(StringComparer.Ordinal);
        return paths;
    }
}
