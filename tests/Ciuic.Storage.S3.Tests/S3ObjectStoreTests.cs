using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Storage.S3.Tests;

/// <summary>The suite of all stores, on a real server, with a prefix and without.</summary>
public sealed class S3ObjectStoreTests(Ceph ceph) : S3Conformance(ceph, "");

/// <inheritdoc cref="S3ObjectStoreTests"/>
public sealed class S3PrefixTests(Ceph ceph) : S3Conformance(ceph, "teams/a/")
{
    [Fact]
    public async Task What_lies_beside_the_prefix_is_not_seen()
    {
        var bucket = await Ceph.NewBucketAsync();
        using var all = Ceph.Store($"s3://{bucket}", Ceph.Options());
        using var part = Ceph.Store($"s3://{bucket}/teams/a", Ceph.Options());
        foreach (var key in new[] { "teams/a/x/1", "teams/ab/x/2", "x/3" })
            await all.CreateAsync(new ObjectKey(key), Bytes(1, 5), CancellationToken.None);
        var seen = new List<string>();
        await foreach (var found in part.ListAsync("", CancellationToken.None))
            seen.Add(found.Key.Path);
        Assert.Equal(["x/1"], seen);
    }
}

public abstract class S3Conformance(Ceph ceph, string prefix) : StoreConformance, IAsyncLifetime
{
    private S3ObjectStore? _store;

    protected Ceph Ceph => ceph;

    protected override IObjectStore Store => _store!;

    public async ValueTask InitializeAsync() => _store = await ceph.NewStoreAsync(prefix);

    public ValueTask DisposeAsync()
    {
        _store?.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_list_of_more_than_a_page_is_whole()
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, 1_005), async (i, cancel) =>
            await Store.PutAsync(new ObjectKey($"many/{i}"), Bytes(1, 1), cancel));
        var seen = new HashSet<string>();
        await foreach (var found in Store.ListAsync("many/", CancellationToken.None))
            Assert.True(seen.Add(found.Key.Path));
        Assert.Equal(1_005, seen.Count);
    }

    [Fact]
    public async Task A_long_read_is_made_of_ranges_read_at_once()
    {
        var content = new byte[(20 << 20) + 3];
        new Random(7).NextBytes(content);
        await Store.CreateAsync(new ObjectKey("large"), content, CancellationToken.None);
        var buffer = new byte[content.Length + 100];
        Assert.Equal(content.Length - 5, await Store.GetRangeAsync(new ObjectKey("large"), 5, buffer, CancellationToken.None));
        Assert.True(content.AsSpan(5).SequenceEqual(buffer.AsSpan(0, content.Length - 5)));
    }

    [Fact]
    public async Task The_same_bytes_created_by_two_have_one_creator()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Store.CreateAsync(new ObjectKey("same"), Bytes(1, 100), CancellationToken.None)));
        Assert.Single(results, CreateResult.Created);
    }
}
