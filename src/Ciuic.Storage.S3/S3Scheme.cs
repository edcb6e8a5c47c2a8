using Amazon.S3;
using Amazon.S3.Model;
using Ciuic.Core;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Storage.S3;

/// <summary><c>s3://BUCKET/PREFIX</c> on the server that section <c>Ciuic:S3</c> names.</summary>
public sealed class S3Scheme : IStoreScheme
{
    internal const string Section = "Ciuic:S3";

    /// <inheritdoc/>
    public string Forms => S3Place.Forms;

    /// <inheritdoc/>
    public bool Knows(string uri) => S3Place.IsOne(uri);

    /// <summary>
    /// Opens a bucket that may be written to. Before the first write, and not before, it creates an object of its own twice and deletes it:
    /// a server that takes the second one would let two writers win, and is refused.
    /// </summary>
    /// <inheritdoc/>
    public async Task<IObjectStore> OpenAsync(string uri, IConfiguration configuration, CancellationToken cancel)
    {
        var (client, store, place) = Open(uri, configuration);
        var isThere = false;
        try
        {
            await ListOneAsync(client, place, cancel); // who may not list is told "forbidden" where others are told "not found"
            isThere = true;
            return new ProvenObjectStore(store, later => ProveAsync(store, later));
        }
        catch (Exception error) when (S3Errors.IsOurs(error, cancel))
        {
            throw S3Errors.AtOpening(store.Location, error);
        }
        finally
        {
            if (!isThere)
                store.Dispose();
        }
    }

    /// <inheritdoc/>
    public async Task<IObjectStore> OpenExistingAsync(string uri, IConfiguration configuration, CancellationToken cancel)
    {
        var (client, store, place) = Open(uri, configuration);
        try
        {
            await ListOneAsync(client, place, cancel);
            return store;
        }
        catch (Exception error)
        {
            store.Dispose();
            if (error is AmazonS3Exception { ErrorCode: "NoSuchBucket" })
                throw new NotFoundException($"There is no bucket at {store.Location}.", error);
            if (S3Errors.IsOurs(error, cancel))
                throw S3Errors.AtOpening(store.Location, error);
            throw;
        }
    }

    private static (AmazonS3Client Client, S3ObjectStore Store, S3Place Place) Open(string uri, IConfiguration configuration)
    {
        var place = S3Place.Parse(uri);
        var options = StrictSettings.Read<S3Options>(configuration, Section);
        var client = S3Connection.Open(options);
        return (client, new S3ObjectStore(client, place, options, TimeProvider.System), place);
    }

    private static async Task ProveAsync(S3ObjectStore store, CancellationToken cancel)
    {
        try
        {
            await store.ProbeAsync(cancel);
        }
        catch (Exception error) when (S3Errors.IsOurs(error, cancel))
        {
            throw S3Errors.Unavailable(store.Location, error); // credentials and quotas can be changed while we run
        }
    }

    private static Task ListOneAsync(AmazonS3Client client, S3Place place, CancellationToken cancel) => client.ListObjectsV2Async(
        new ListObjectsV2Request { BucketName = place.Bucket, Prefix = place.Prefix, MaxKeys = 1 }, cancel);
}
