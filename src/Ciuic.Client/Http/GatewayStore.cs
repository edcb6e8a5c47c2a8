using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Client;

/// <summary>
/// The bucket as a gateway shows it to one run: what its snapshots are made of, and the ledgers. What is written is chunks,
/// shard manifests and signatures under it. The gateway checks a chunk before it stores it, so a name that exists has the right bytes,
/// whoever stored them: creating it again is no conflict.
/// </summary>
/// <param name="gateway">The way to it.</param>
/// <param name="run">The run; null to see ledgers only.</param>
internal sealed class GatewayStore(GatewayConnection gateway, RunId? run) : IObjectStore
{
    private const string ReceiptHeader = "Ciuic-Receipt";

    private readonly ConcurrentDictionary<string, (Sequence Sequence, Rank Rank)> _listedBy = new();

    /// <summary>What the gateway has given for chunks.</summary>
    public Receipts Receipts { get; } = new();

    public string Location => $"{gateway.Address}/api/v1/runs/{run}";

    public async Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel)
    {
        if (PathOf(key) is not { } path)
            return null;
        using var response = await SendAsync(HttpMethod.Get, path, null, cancel);
        if (response is null)
            return null;
        var bytes = await ReadAsync(response, response.Content.ReadAsByteArrayAsync, cancel);
        Learn(key, bytes);
        return bytes;
    }

    public async Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        if (PathOf(key) is not { } path)
            return null;
        if (buffer.IsEmpty)
            return await GetLengthAsync(key, cancel) is null ? null : 0;
        var range = new RangeHeaderValue(offset, offset + buffer.Length - 1);
        using var response = await SendAsync(HttpMethod.Get, path, range, cancel);
        if (response is null)
            return null;
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            return 0;
        return await ReadAsync(
            response,
            async deadline =>
            {
                await using var body = await response.Content.ReadAsStreamAsync(deadline);
                var read = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, deadline);
                if (response.Content.Headers.ContentLength is { } length && read < length)
                    throw new IOException($"the body ended after {read} of {length} bytes");
                return read;
            },
            cancel);
    }

    public async Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel)
    {
        // A chunk that another snapshot has may not be listed again without its receipt: it is sent once more, and is there already.
        if (PathOf(key) is not { } path || (IsChunk(key) && !Receipts.Has(key)))
            return null;
        using var response = await SendAsync(HttpMethod.Head, path, null, cancel);
        return response?.Content.Headers.ContentLength;
    }

    public async Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        if (IsChunk(key))
        {
            using var response = await PutAsync($"runs/{run}/objects/{key}", new ReadOnlyMemoryContent(content), cancel);
            if (response.Headers.TryGetValues(ReceiptHeader, out var receipt))
                Receipts.Add(key.Path, receipt.First());
            return CreateResult.Created;
        }

        var path = WrittenPathOf(key) ?? throw NotWritten(key);
        var shard = path.EndsWith("/manifest", StringComparison.Ordinal) ? ManifestCodec.DecodeShard(content.Span) : null;
        using var stored = await PutAsync(path, shard is null ? new ReadOnlyMemoryContent(content) : WithReceipts(content, shard), cancel);
        if (shard is not null)
            Receipts.Used(shard);
        return CreateResult.Created;
    }

    public async Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        // Only what is damaged is replaced, and a gateway does that by itself.
        await CreateAsync(key, content, cancel);
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        if (!prefix.StartsWith(BucketLayout.LedgersPrefix, StringComparison.Ordinal) || prefix.Split('/') is not [_, var ledger, _, ..])
            yield break; // nobody but silos looks for anything else
        var root = $"{BucketLayout.LedgersPrefix}{ledger}/";
        for (string? cursor = ""; cursor is not null;)
        {
            var page = await gateway.GetAsync(
                $"ledgers/{ledger}/objects?prefix={Uri.EscapeDataString(prefix[root.Length..])}&cursor={Uri.EscapeDataString(cursor)}",
                ApiJson.Default.ApiPageApiObject, cancel);
            foreach (var found in page.Items)
                yield return new ObjectInfo(new ObjectKey(root + found.Path), found.Length);
            cursor = page.Next;
        }
    }

    public Task DeleteAsync(ObjectKey key, CancellationToken cancel) => throw NotWritten(key);

    private static bool IsChunk(ObjectKey key) => key.Path.StartsWith(BucketLayout.ChunksPrefix, StringComparison.Ordinal);

    private static InvalidInputException NotWritten(ObjectKey key) => new($"{key} is not written through a gateway.");

    /// <summary>Where an object is read; null where the gateway would not show it.</summary>
    private string? PathOf(ObjectKey key)
    {
        var segments = key.Path.Split('/');
        return segments switch
        {
            ["ledgers", var ledger, ..] when segments.Length > 2 =>
                $"ledgers/{ledger}/objects/{string.Join('/', segments[2..].Select(Uri.EscapeDataString))}",
            ["runs", _, var sequence, "manifest"] => $"runs/{segments[1]}/snapshots/{sequence}/manifest",
            ["runs", ..] => WrittenPathOf(key),
            _ => _listedBy.TryGetValue(key.Path, out var shard)
                ? $"runs/{run}/snapshots/{shard.Sequence}/shards/{shard.Rank}/objects/{key}"
                : null,
        };
    }

    private static string? WrittenPathOf(ObjectKey key)
    {
        if (key.Path.Split('/') is not ["runs", var name, var sequence, var shard] || !shard.StartsWith("shard-", StringComparison.Ordinal))
            return null;
        var (rank, kind) = shard.EndsWith(".sig", StringComparison.Ordinal) ? (shard[6..^4], "signature") : (shard[6..], "manifest");
        return $"runs/{name}/snapshots/{sequence}/shards/{rank}/{kind}";
    }

    /// <summary>Which shard lists an object is said with every request for it.</summary>
    private void Learn(ObjectKey key, byte[] bytes)
    {
        if (WrittenPathOf(key) is not { } path || !path.EndsWith("/manifest", StringComparison.Ordinal))
            return;
        try
        {
            var shard = ManifestCodec.DecodeShard(bytes);
            foreach (var listed in BucketLayout.ObjectsOf(shard))
                _listedBy[listed.Path] = (shard.Sequence, shard.Rank);
        }
        catch (InvalidInputException)
        {
            // Whoever reads it will say so.
        }
    }

    private ByteArrayContent WithReceipts(ReadOnlyMemory<byte> manifest, ShardManifest shard)
    {
        var upload = new ShardUploadRequest(manifest.ToArray(), Receipts.For(shard));
        return new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(upload, ApiJson.Default.ShardUploadRequest));
    }

    private async Task<HttpResponseMessage> PutAsync(string path, HttpContent body, CancellationToken cancel)
    {
        var patience = GatewayConnection.PatienceFor(body.Headers.ContentLength ?? 0);
        var response = await gateway.SendAsync(new HttpRequestMessage(HttpMethod.Put, path) { Content = body }, patience, cancel);
        try
        {
            await gateway.RequireAsync(response, cancel);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private async Task<HttpResponseMessage?> SendAsync(HttpMethod method, string path, RangeHeaderValue? range, CancellationToken cancel)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Range = range;
        var response = await gateway.SendAsync(request, GatewayConnection.PatienceFor(0), cancel);
        if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            return response;
        using (response)
        {
            if (response.StatusCode == HttpStatusCode.NotFound && GatewayConnection.IsOfGateway(response))
                return null;
            await gateway.RequireAsync(response, cancel);
            throw new UnavailableException($"{gateway.Address} answers {response.StatusCode}.");
        }
    }

    /// <summary>Reads a body; one that stands still is given up, which nothing in HTTP does.</summary>
    private async Task<T> ReadAsync<T>(HttpResponseMessage response, Func<CancellationToken, Task<T>> read, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(GatewayConnection.PatienceFor(response.Content.Headers.ContentLength ?? 0));
        try
        {
            return await read(deadline.Token);
        }
        catch (Exception error) when (GatewayConnection.IsOfTheWay(error) && !cancel.IsCancellationRequested)
        {
            throw new UnavailableException($"The gateway at {gateway.Address} broke off: {error.Message}", error);
        }
    }
}
