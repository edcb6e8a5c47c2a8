using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using Ciuic.Core;

namespace Ciuic.Storage.S3;

/// <summary>
/// A bucket on a server that speaks S3. Durable and visible to all is what the server calls done. The SDK repeats what was not
/// answered; nothing here or above does so again.
/// </summary>
internal sealed class S3ObjectStore : IObjectStore, IDisposable
{
    /// <summary>User metadata by which a creator knows its own object again.</summary>
    private const string Creator = "ciuic-creator";

    private readonly IAmazonS3 _client;
    private readonly S3Place _place;
    private readonly TimeProvider _time;
    private readonly S3Conflicts _conflicts;
    private readonly S3Download _download;
    private readonly S3Probe _probe;
    private readonly S3Versions _versions;

    public S3ObjectStore(IAmazonS3 client, S3Place place, S3Options options, TimeProvider time)
    {
        (_client, _place, _time, _conflicts) = (client, place, time, new S3Conflicts(time));
        _download = new S3Download(client, place, options, new S3Conflicts(time));
        Location = $"s3://{place.Bucket}/{place.Prefix} at {(options.Endpoint.Length == 0 ? options.Region : options.Endpoint)}";
        _probe = new S3Probe(client, place, Location);
        _versions = new S3Versions(_probe);
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel) =>
        GuardAsync(key, () => _download.WholeAsync(key, cancel), cancel);

    /// <inheritdoc/>
    public Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return GuardAsync<int?>(
            key,
            async () => buffer.IsEmpty
                ? await _download.LengthAsync(key, cancel) is null ? null : 0
                : await _download.RangeAsync(key, offset, buffer, cancel),
            cancel);
    }

    /// <inheritdoc/>
    public Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel) =>
        GuardAsync(key, () => _download.LengthAsync(key, cancel), cancel);

    /// <inheritdoc/>
    public Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        GuardAsync(key, () => CreateOnceAsync(key, content, cancel), cancel);

    /// <inheritdoc/>
    public Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) => GuardAsync(
        key,
        async () =>
        {
            _versions.Saw((await _conflicts.RepeatAsync(() => _client.PutObjectAsync(Request(key, content), cancel), cancel)).VersionId);
            return true;
        },
        cancel);

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        var request = new ListObjectsV2Request { BucketName = _place.Bucket, Prefix = _place.Prefix + prefix };
        ListObjectsV2Response page;
        do
        {
            page = await GuardAsync($"List of '{prefix}'", () => _client.ListObjectsV2Async(request, cancel), cancel);
            foreach (var found in page.S3Objects ?? [])
            {
                // What somebody else has put there under a name that no key can have is no object.
                if (ObjectKey.TryParse(found.Key[_place.Prefix.Length..], out var key))
                    yield return new ObjectInfo(key, found.Size ?? 0);
            }

            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated == true);
    }

    /// <inheritdoc/>
    public Task DeleteAsync(ObjectKey key, CancellationToken cancel) => GuardAsync(
        key,
        async () =>
        {
            var request = new DeleteObjectRequest { BucketName = _place.Bucket, Key = _place.NameOf(key) };
            await _conflicts.RepeatAsync(() => _client.DeleteObjectAsync(request, cancel), cancel);
            return true;
        },
        cancel);

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    /// <summary>Makes sure that create-if-absent is honoured.</summary>
    /// <exception cref="InvalidInputException">It is not.</exception>
    internal async Task ProbeAsync(CancellationToken cancel) => _versions.Passed(await _probe.RunAsync(cancel));

    /// <summary>
    /// When an answer is lost the SDK asks again, and is told that the object exists: it may be our own. The mark that each create
    /// puts on it tells, whatever the bytes are and whoever else writes the same.
    /// </summary>
    private async Task<CreateResult> CreateOnceAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        await _versions.RequireFitAsync(cancel);
        var creator = Guid.CreateVersion7(_time.GetUtcNow()).ToString("N");
        for (var tries = 0; ; tries++)
        {
            try
            {
                var answer = await _conflicts.RepeatAsync(() => _client.PutObjectAsync(CreateRequest(), cancel), cancel);
                _versions.Saw(answer.VersionId);
                await _versions.RequireFitAsync(cancel); // or this may have replaced what another one has created
                return CreateResult.Created;
            }
            catch (AmazonS3Exception error) when (error.Is(HttpStatusCode.PreconditionFailed))
            {
                if (await _download.MarkAsync(key, Creator, cancel) is { } mark)
                    return mark == creator ? CreateResult.Created : CreateResult.AlreadyExists;
                if (tries == S3Conflicts.Max)
                    throw; // created and deleted again and again
            }
        }

        PutObjectRequest CreateRequest()
        {
            var request = Request(key, content);
            request.IfNoneMatch = "*";
            request.Metadata.Add(Creator, creator);
            return request;
        }
    }

    /// <summary>
    /// A request whose body the server checks: its digest is signed, and servers that keep checksums keep it. The digest is computed
    /// once, by us: the SDK would do so twice.
    /// </summary>
    private PutObjectRequest Request(ObjectKey key, ReadOnlyMemory<byte> content)
    {
        var digest = SHA256.HashData(content.Span);
        var request = new PutObjectRequest
        {
            BucketName = _place.Bucket,
            Key = _place.NameOf(key),
            InputStream = new MemoryBytes(content),
            AutoCloseStream = true,
            UseChunkEncoding = false,
            ChecksumAlgorithm = ChecksumAlgorithm.SHA256,
            ChecksumSHA256 = Convert.ToBase64String(digest),
        };
        request.Headers["x-amz-content-sha256"] = Convert.ToHexStringLower(digest);
        return request;
    }

    private Task<T> GuardAsync<T>(ObjectKey key, Func<Task<T>> call, CancellationToken cancel) =>
        GuardAsync($"Object {key}", call, cancel);

    private async Task<T> GuardAsync<T>(string what, Func<Task<T>> call, CancellationToken cancel)
    {
        try
        {
            return await call();
        }
        catch (Exception error) when (S3Errors.IsOurs(error, cancel))
        {
            throw S3Errors.Unavailable($"{what} in {Location}", error);
        }
        catch (Exception error) when (cancel.IsCancellationRequested && error is not (CiuicException or OperationCanceledException))
        {
            throw new OperationCanceledException($"{what} in {Location} was cancelled.", error, cancel);
        }
    }
}
