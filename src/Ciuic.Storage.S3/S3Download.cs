using System.Globalization;
using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Ciuic.Core;

namespace Ciuic.Storage.S3;

/// <summary>
/// Reads objects. A body that stands still or is cut is asked for again from where it ended, of the same version: the SDK does
/// neither.
/// </summary>
internal sealed class S3Download(IAmazonS3 client, S3Place place, S3Options options)
{
    /// <summary>The whole object, or null where there is none.</summary>
    public async Task<byte[]?> WholeAsync(ObjectKey key, CancellationToken cancel)
    {
        using var begun = await TryBeginAsync(key, null, null, cancel);
        if (begun is null)
            return null;
        var content = GC.AllocateUninitializedArray<byte>(checked((int)begun.ContentLength));
        await FillAsync(key, 0, content, begun, cancel);
        return content;
    }

    /// <summary>Fills a buffer from an offset on, with several requests at once where it is long.</summary>
    /// <returns>Bytes read; null where there is no object.</returns>
    public async Task<int?> RangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        var first = Math.Min(buffer.Length, options.RangeBytes);
        GetObjectResponse? begun;
        try
        {
            begun = await TryBeginAsync(key, new ByteRange(offset, offset + first - 1), null, cancel);
        }
        catch (AmazonS3Exception error) when (error.Is(HttpStatusCode.RequestedRangeNotSatisfiable))
        {
            return 0; // it ends before
        }

        using (begun)
        {
            if (begun is null)
                return null;
            var length = (int)Math.Min(buffer.Length, TotalLength(begun) - offset);
            var etag = begun.ETag;
            var ranges = new List<Task> { FillAsync(key, offset, buffer[..Math.Min(first, length)], begun, cancel) };
            for (var at = first; at < length; at += options.RangeBytes)
            {
                var piece = buffer.Slice(at, Math.Min(options.RangeBytes, length - at));
                ranges.Add(FillAsync(key, offset + at, piece, etag, cancel));
            }

            await Task.WhenAll(ranges);
            return length;
        }
    }

    private async Task FillAsync(ObjectKey key, long offset, Memory<byte> target, string etag, CancellationToken cancel)
    {
        using var begun = await BeginAgainAsync(key, offset, target.Length, etag, cancel);
        await FillAsync(key, offset, target, begun, cancel);
    }

    private async Task FillAsync(ObjectKey key, long offset, Memory<byte> target, GetObjectResponse begun, CancellationToken cancel)
    {
        GetObjectResponse? again = null;
        try
        {
            for (var (done, retries) = (0, 0); done < target.Length;)
            {
                try
                {
                    done += await ReadAsync((again ?? begun).ResponseStream, target[done..], cancel);
                }
                catch (Exception error) when (S3Errors.IsOurs(error, cancel) && retries < options.MaxRetries)
                {
                    retries++;
                    again?.Dispose();
                    again = null;
                    again = await BeginAgainAsync(key, offset + done, target.Length - done, begun.ETag, cancel);
                }
            }
        }
        finally
        {
            again?.Dispose();
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
        await TryBeginAsync(key, new ByteRange(offset, offset + length - 1), etag, cancel)
        ?? throw new IOException("the object was deleted while it was read");

    private async Task<GetObjectResponse?> TryBeginAsync(ObjectKey key, ByteRange? range, string? etag, CancellationToken cancel)
    {
        var request = new GetObjectRequest
        {
            BucketName = place.Bucket,
            Key = place.NameOf(key),
            ByteRange = range,
            EtagToMatch = etag?.Trim('"'), // Ceph 16 takes it only without quotes, the others either way
        };
        try
        {
            return await client.GetObjectAsync(request, cancel);
        }
        catch (AmazonS3Exception error) when (error.Is(HttpStatusCode.NotFound) && error.ErrorCode != "NoSuchBucket")
        {
            return null;
        }
        catch (AmazonS3Exception error) when (error.Is(HttpStatusCode.PreconditionFailed))
        {
            throw new IOException("the object was replaced while it was read", error);
        }
    }

    /// <summary>A server that ignores the range sends the whole object; its first bytes are not those that were asked for.</summary>
    private static long TotalLength(GetObjectResponse response) =>
        response.ContentRange is { } range
        && long.TryParse(range.AsSpan(range.LastIndexOf('/') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var total)
            ? total
            : throw new IOException("the server does not give ranges of objects");
}
