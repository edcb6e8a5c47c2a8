using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Ciuic.Core;

namespace Ciuic.Storage.S3;

/// <summary>Creates an object of its own twice and deletes it: a server that takes the second one would let two writers win.</summary>
/// <param name="client">The SDK's client.</param>
/// <param name="place">The bucket.</param>
/// <param name="location">For messages.</param>
internal sealed class S3Probe(IAmazonS3 client, S3Place place, string location)
{
    private static readonly TimeSpan CleaningTime = TimeSpan.FromSeconds(10);

    /// <summary>Tries it.</summary>
    /// <returns>Whether the bucket keeps versions: some servers honour create-if-absent then, too, and these do.</returns>
    /// <exception cref="InvalidInputException">The server takes the second one.</exception>
    public async Task<bool> RunAsync(CancellationToken cancel)
    {
        var key = new ObjectKey($"probe/{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}");
        var request = new PutObjectRequest
        {
            BucketName = place.Bucket,
            Key = place.NameOf(key),
            ContentBody = "Whether create-if-absent is honoured here.",
            UseChunkEncoding = false,
        };
        var first = await client.PutObjectAsync(request, cancel);
        try
        {
            await RequireRefusalAsync(request, S3Versions.IsOne(first.VersionId), cancel);
        }
        finally
        {
            await TryDeleteAsync(request);
        }

        return S3Versions.IsOne(first.VersionId);
    }

    private async Task RequireRefusalAsync(PutObjectRequest request, bool hasVersions, CancellationToken cancel)
    {
        try
        {
            request.IfNoneMatch = "*";
            await client.PutObjectAsync(request, cancel);
        }
        catch (AmazonS3Exception error) when (error.Is(HttpStatusCode.PreconditionFailed))
        {
            // As it must be; who may not read is told so now.
            using var there = await client.GetObjectAsync(request.BucketName, request.Key, cancel);
            return;
        }
        catch (AmazonS3Exception error) when (error.Is(HttpStatusCode.NotImplemented))
        {
            throw new InvalidInputException(Careless(hasVersions), error);
        }

        throw new InvalidInputException(Careless(hasVersions));
    }

    /// <summary>What is left means nothing, and must not hide what was found out.</summary>
    private async Task TryDeleteAsync(PutObjectRequest request)
    {
        using var limit = new CancellationTokenSource(CleaningTime);
        try
        {
            await client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = request.BucketName, Key = request.Key }, limit.Token);
        }
        catch (Exception error) when (S3Errors.IsOurs(error, CancellationToken.None))
        {
        }
    }

    private string Careless(bool hasVersions) => hasVersions
        ? $"{location}: VERSIONING IS SWITCHED ON for this bucket, and the server ignores If-None-Match there: two writers could both win, and "
            + "history would not be safe. Suspend versioning (older Ceph: it works again then), or use a server that honours both: AWS S3, MinIO."
        : $"{location}: the server ignores If-None-Match: two writers could both win, and history would not be safe there. Use a server "
            + "that honours it: AWS S3, MinIO, Ceph RGW 16 or newer.";
}
