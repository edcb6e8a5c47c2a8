using Amazon.S3;
using Amazon.S3.Model;
using Ciuic.Core;

namespace Ciuic.Storage.S3.Tests;

/// <inheritdoc cref="VersioningTests"/>
public sealed class NewerVersioningTests(NewerCeph ceph) : VersioningTests(ceph);

/// <summary>Owners switch versioning on because they want to be safe; Ceph 16 then ignores If-None-Match.</summary>
public class VersioningTests(Ceph ceph)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Where_versioning_is_switched_on_later_two_creators_never_both_win()
    {
        var bucket = await ceph.NewBucketAsync();
        using var store = Ceph.Store($"s3://{bucket}", ceph.Options());
        Assert.Equal(CreateResult.Created, await CreateAsync(store, "before"));
        await SetAsync(bucket, VersionStatus.Enabled);
        if (await Record.ExceptionAsync(() => CreateAsync(store, "switched")) is not { } noticed)
        {
            // This server honours both, and a probe has shown it.
            Assert.Equal(CreateResult.AlreadyExists, await CreateAsync(store, "switched"));
            return;
        }

        var unfit = Assert.IsType<UnavailableException>(noticed);
        Assert.True(unfit.IsUnfit, unfit.Message);
        Assert.Contains("VERSIONING IS SWITCHED ON", unfit.Message);
        await Assert.ThrowsAsync<UnavailableException>(() => CreateAsync(store, "refused"));
        Assert.Null(await store.GetAsync(new ObjectKey("refused"), None));
        Assert.NotNull(await store.GetAsync(new ObjectKey("before"), None)); // reading goes on

        await SetAsync(bucket, VersionStatus.Suspended);
        Assert.Equal(CreateResult.Created, await CreateAsync(store, "after"));
        Assert.Equal(CreateResult.AlreadyExists, await CreateAsync(store, "after"));
    }

    [Fact]
    public async Task A_put_tells_of_versions_too_and_the_next_create_is_not_made_blindly()
    {
        var bucket = await ceph.NewBucketAsync();
        using var store = Ceph.Store($"s3://{bucket}", ceph.Options());
        await SetAsync(bucket, VersionStatus.Enabled);
        await store.PutAsync(new ObjectKey("checkpoint"), new byte[] { 1 }, None);
        var first = await Record.ExceptionAsync(() => CreateAsync(store, "a"));
        Assert.Equal(first is null, await store.GetAsync(new ObjectKey("a"), None) is not null);
    }

    [Fact]
    public async Task The_probe_that_is_made_again_and_again_finds_it_too()
    {
        var bucket = await ceph.NewBucketAsync();
        using var store = Ceph.Store($"s3://{bucket}", ceph.Options());
        await CreateProbe.RunAsync(store, TimeProvider.System, None);
        await SetAsync(bucket, VersionStatus.Enabled);
        var found = await Record.ExceptionAsync(() => CreateProbe.RunAsync(store, TimeProvider.System, None));
        var works = await Record.ExceptionAsync(() => CreateAsync(store, "x")) is null;
        Assert.Equal(works, found is null);
    }

    private static Task<CreateResult> CreateAsync(S3ObjectStore store, string key) =>
        store.CreateAsync(new ObjectKey(key), new byte[] { 1, 2, 3 }, None);

    private async Task SetAsync(string bucket, VersionStatus status)
    {
        using var client = S3Connection.Open(ceph.Options());
        await client.PutBucketVersioningAsync(new PutBucketVersioningRequest
        {
            BucketName = bucket,
            VersioningConfig = new S3BucketVersioningConfig { Status = status },
        });
    }
}
