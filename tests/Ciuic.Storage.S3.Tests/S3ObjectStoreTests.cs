using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Storage.S3.Tests;

/// <summary>The suite of all stores, on a real server, with a prefix and without.</summary>
public sealed class S3ObjectStoreTests(Ceph ceph) : S3Conformance(ceph, "");

/// <inheritdoc cref="S3ObjectStoreTests"/>
public sealed class NewerObjectStoreTests(NewerCeph ceph) : S3Conformance(ceph, "team/");

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
}
