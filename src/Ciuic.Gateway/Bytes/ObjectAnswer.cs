using System.Buffers;
using Ciuic.Core;
using Ciuic.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Ciuic.Gateway;

/// <summary>
/// Sends an object, or a part of it, in pieces: never more of it than one piece is in memory, however slowly it is taken.
/// </summary>
internal sealed class ObjectAnswer(IObjectStore store, ByteBudget budget)
{
    /// <summary>A chunk of the usual size and what its frame adds: read at once.</summary>
    private const int Piece = (4 << 20) + (64 << 10);

    /// <summary>Sends it.</summary>
    /// <param name="http">The request.</param>
    /// <param name="key">The object.</param>
    /// <param name="isImmutable">Whether its bytes stay what they are as long as it is there.</param>
    /// <exception cref="NotFoundException">There is none.</exception>
    public async Task SendAsync(HttpContext http, ObjectKey key, bool isImmutable)
    {
        var (response, cancel) = (http.Response, http.RequestAborted);
        using var room = budget.Take(Piece);
        var buffer = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            var range = RangeOf(http.Request);
            var offset = range?.From ?? 0;
            var wanted = (int)Math.Min(Piece, range?.Length ?? Piece);
            var first = await store.GetRangeAsync(key, offset, buffer.AsMemory(0, wanted), cancel)
                ?? throw new NotFoundException($"There is no {key}.");
            // Less than was asked for is its end; otherwise its length must be asked for.
            var end = first < wanted && first > 0 ? offset + first : await store.GetLengthAsync(key, cancel) ?? offset + first;
            var length = Math.Min(range?.Length ?? long.MaxValue, Math.Max(0, end - offset));
            if (range is not null)
            {
                if (offset >= end)
                    throw new HttpProblemException(StatusCodes.Status416RangeNotSatisfiable, $"{key} has {end} bytes.");
                response.StatusCode = StatusCodes.Status206PartialContent;
                response.Headers.ContentRange = $"bytes {offset}-{offset + length - 1}/{end}";
            }

            response.ContentType = "application/octet-stream";
            response.Headers.AcceptRanges = "bytes";
            response.Headers.CacheControl = isImmutable ? "private, max-age=31536000, immutable" : "no-cache";
            response.ContentLength = length;
            if (!HttpMethods.IsHead(http.Request.Method))
                await SendAsync(response, key, buffer, offset, first, length, cancel);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task SendAsync(HttpResponse response, ObjectKey key, byte[] buffer, long offset, int first, long length, CancellationToken cancel)
    {
        await response.Body.WriteAsync(buffer.AsMemory(0, first), cancel);
        for (var sent = (long)first; sent < length;)
        {
            var next = await store.GetRangeAsync(key, offset + sent, buffer.AsMemory(0, (int)Math.Min(Piece, length - sent)), cancel);
            if (next is not > 0)
                throw new UnavailableException($"{key} ended at {offset + sent} bytes while it was read.");
            await response.Body.WriteAsync(buffer.AsMemory(0, next.Value), cancel);
            sent += next.Value;
        }
    }

    /// <summary>One stretch of bytes; anything else that a Range header may say is answered whole, as RFC 9110 allows.</summary>
    private static (long From, long? Length)? RangeOf(HttpRequest request)
    {
        var parsed = RangeHeaderValue.TryParse(request.Headers.Range.ToString(), out var header);
        if (!parsed || header!.Unit != "bytes" || header.Ranges is not { Count: 1 } ranges || ranges.First() is not { From: { } from } range)
            return null;
        return (from, range.To is { } to ? Math.Min(to, long.MaxValue - 1) - from + 1 : null);
    }
}
