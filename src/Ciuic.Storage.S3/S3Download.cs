using System.Net;
using System.Net.Http.Headers;
using Amazon.S3;
using Amazon.S3.Model;
using Ciuic.Core;

namespace Ciuic.Storage.S3;

/// <summary>
/// Reads objects. A body that stands still or is cut is asked for again from where it ended, of the same version: the SDK does
/// neither.
/// </summary>
internal sealed class S3Download(IAmazonS3 client, S3Place place, S3Options options, S3Conflicts conflicts)
{
    /// <summary>
    /// The whole object, or null where there is none. Asked for as a range, too: the SDK compares whole objects with their ETag and
    /// throws away what differs, but whether bytes are right is judged by our own digests.
    /// </summary>
    public async Task<byte[]?> WholeAsync(ObjectKey key, CancellationToken cancel)
    {
        using var begun = await TryBeginRangeAsync(key, 0, int.MaxValue, cancel);
        if (begun is null)
            return null;
        var content = GC.AllocateUninitializedArray<byte>(checked((int)begun.Total));
        await FillAsync(key, 0, content, begun.Response, cancel);
        return content;
    }

    /// <summary>
    /// The object's length, or null where there is none. Asked for by its first byte, not by a HEAD: the answer to that has no body, so
    /// that a 404 of anybody between us and the server would look like the server's.
    /// </summary>
    public async Task<long?> LengthAsync(ObjectKey key, CancellationToken cancel)
    {
        using var begun = await TryBeginRangeAsync(key, 0, 1, cancel);
        return begun?.Total;
    }

    /// <summary>A mark that was put on the object when it was created, empty where it has none; null where there is no object.</summary>
    public async Task<string?> MarkAsync(ObjectKey key, string name, CancellationToken cancel)
    {
        using var begun = await TryBeginRangeAsync(key, 0, 1, cancel);
        if (begun is null)
            return null;
        if (begun.Response is { } response)
            return response.Metadata[name] ?? "";
        // An empty object has no first byte; that it is there is known already.
        var request = new GetObjectMetadataRequest { BucketName = place.Bucket, Key = place.NameOf(key) };
        return (await client.GetObjectMetadataAsync(request, cancel)).Metadata[name] ?? "";
    }

    /// <summary>Fills a buffer from an offset on, with several requests at once where it is long.</summary>
    /// <returns>Bytes read; null where there is no object.</returns>
    public async Task<int?> RangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        var first = Math.Min(buffer.Length, options.RangeBytes);
        using var begun = await TryBeginRangeAsync(key, offset, first, cancel);
        if (begun is null)
            return null;
        var length = (int)Math.Clamp(begun.Total - offset, 0, buffer.Length);
        var ranges = new List<Task> { FillAsync(key, offset, buffer[..Math.Min(first, length)], begun.Response, cancel) };
        for (var at = first; at < length; at += options.RangeBytes)
        {
            var piece = buffer[at..Math.Min(at + options.RangeBytes, length)];
            ranges.Add(FillAsync(key, offset + at, piece, begun.Response!.ETag, cancel));
        }

        await Task.WhenAll(ranges);
        return length;
    }

    private async Task FillAsync(ObjectKey key, long offset, Memory<byte> target, string etag, CancellationToken cancel)
    {
        using var begun = await BeginAgainAsync(key, offset, target.Length, etag, cancel);
        await FillAsync(key, offset, target, begun, cancel);
    }

    private async Task FillAsync(ObjectKey key, long offset, Memory<byte> target, GetObjectResponse? begun, CancellationToken cancel)
    {
        var (response, etag) = (begun, begun?.ETag);
        try
        {
            for (var (done, retries) = (0, 0); done < target.Length;)
            {
                try
                {
                    done += await ReadAsync(response!.ResponseStream, target[done..], cancel);
                }
                catch (Exception error) when (S3Errors.IsOurs(error, cancel) && retries < options.MaxRetries)
                {
                    retries++;
                    response!.Dispose(); // before the next one: it may wait for this one's connection
                    response = await BeginAgainAsync(key, offset + done, target.Length - done, etag!, cancel);
                }
            }
        }
        finally
        {
            response?.Dispose();
        }
    }

    /// <summary>Reads what is there next; the wait for it is limited.</summary>
    private async Task<int> ReadAsync(Stream body, Memory<byte> target, CancellationToken cancel)
    {
        using var idle = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        idle.CancelAfter(options.IdleTimeout);
        var read = await body.ReadAsync(target, idle.Token);
        return read > 0 ? read : throw new IOException("the body ends too early");
    }

    private async Task<GetObjectResponse> BeginAgainAsync(ObjectKey key, long offset, int length, string etag, CancellationToken cancel) =>
        await TryBeginAsync(key, offset, length, etag, cancel)
        ?? throw new IOException("the object was deleted while it was read");

    /// <summary>Begins to read; what lies beyond the object's end, or in an empty one, has no bytes.</summary>
    private async Task<BegunRange?> TryBeginRangeAsync(ObjectKey key, long offset, int length, CancellationToken cancel)
    {
        try
        {
            return await TryBeginAsync(key, offset, length, null, cancel) is { } response
                ? new BegunRange(response, Range(response)!.Length!.Value)
                : null;
        }
        catch (AmazonS3Exception error) when (error.Is(HttpStatusCode.RequestedRangeNotSatisfiable))
        {
            return new BegunRange(null, 0);
        }
    }

    private async Task<GetObjectResponse?> TryBeginAsync(ObjectKey key, long offset, int length, string? etag, CancellationToken cancel)
    {
        var request = new GetObjectRequest
        {
            BucketName = place.Bucket,
            Key = place.NameOf(key),
            ByteRange = new ByteRange(offset, offset + length - 1),
            EtagToMatch = etag?.Trim('"'), // Ceph 16 takes it only without quotes, the others either way
        };
        try
        {
            return Checked(await conflicts.RepeatAsync(() => client.GetObjectAsync(request, cancel), cancel), offset);
        }
        catch (AmazonS3Exception error) when (error.IsNoSuchKey())
        {
            return null;
        }
        catch (AmazonS3Exception error) when (error.Is(HttpStatusCode.PreconditionFailed))
        {
            throw new IOException("the object was replaced while it was read", error);
        }
    }

    /// <summary>A server that ignores the range sends the whole object; its first bytes are not those that were asked for.</summary>
    private static GetObjectResponse Checked(GetObjectResponse response, long offset)
    {
        if (Range(response) is { From: { } from, Length: not null } && from == offset)
            return response;
        response.Dispose();
        throw new IOException("the server does not give the range of the object that was asked for");
    }

    private static ContentRangeHeaderValue? Range(GetObjectResponse response) =>
        ContentRangeHeaderValue.TryParse(response.ContentRange, out var range) ? range : null;

    /// <summary>A range that is being read.</summary>
    /// <param name="Response">Its bytes; null where there are none.</param>
    /// <param name="Total">Bytes of the whole object.</param>
    private sealed record BegunRange(GetObjectResponse? Response, long Total) : IDisposable
    {
        public void Dispose() => Response?.Dispose();
    }
}
