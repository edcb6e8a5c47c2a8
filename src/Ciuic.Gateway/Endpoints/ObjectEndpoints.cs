using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ciuic.Gateway;

/// <summary>
/// Bytes, for those who have no way to the bucket. Chunks are written under the run that sends them and read through the shard that lists
/// them: that somebody knows a name gives him nothing.
/// </summary>
internal sealed class ObjectEndpoints(IObjectStore store, Intake intake, ShardShelf shelf, ByteBudget budget)
{
    /// <summary>The answer's header that holds the receipt of a chunk.</summary>
    public const string ReceiptHeader = "Ciuic-Receipt";

    /// <summary>The largest frame: a chunk that could not be packed, and its header.</summary>
    public const int MaxObjectBytes = ManifestLimits.MaxChunkBytes + (1 << 20);

    private const int MaxSignatureBytes = 64 << 10;

    private readonly ObjectAnswer _answer = new(store, budget);

    public void MapTo(IEndpointRouteBuilder routes)
    {
        var run = routes.MapGroup("/runs/{run}");
        run.MapPut("objects/{**key}", TakeChunkAsync).Needs(AccessScope.Write)
            .Says("Stores a whole chunk, if it is what its name says.").TakesBytes()
            .AnswersNothing(StatusCodes.Status201Created).AnswersNothing(StatusCodes.Status200OK)
            .WithHeader(ReceiptHeader, "The proof that it was sent; a shard manifest that lists it needs it.");
        var shards = run.MapGroup("snapshots/{sequence}/shards/{rank}");
        shards.MapPut("manifest", TakeShardAsync).Needs(AccessScope.Write)
            .Says("Stores what a rank's shard is made of.").Takes<ShardUploadRequest>()
            .AnswersNothing(StatusCodes.Status201Created).WithHeader("ETag", "Its digest.");
        shards.MapPut("signature", TakeSignatureAsync).Needs(AccessScope.Write)
            .Says("Stores the trainer's signature under a shard manifest.").TakesBytes().AnswersNothing(StatusCodes.Status201Created);
        Serve(shards, "manifest", "What a rank's shard is made of.", http => BucketLayout.Shard(http.Snapshot(), http.Rank()));
        Serve(shards, "signature", "The trainer's signature under it.", http => BucketLayout.ShardSignature(http.Snapshot(), http.Rank()));
        run.MapMethods("snapshots/{sequence}/manifest", [HttpMethods.Get, HttpMethods.Head], SendManifestAsync)
            .Needs(AccessScope.Read).Says("A committed snapshot's manifest.").AnswersBytes();
        shards.MapMethods("objects/{**key}", [HttpMethods.Get, HttpMethods.Head], SendChunkAsync).Needs(AccessScope.Read)
            .Says("A chunk that a shard lists, whole or a range of it.").AnswersBytes();
    }

    private void Serve(IEndpointRouteBuilder routes, string pattern, string what, Func<HttpContext, ObjectKey> keyOf) => routes
        .MapMethods(pattern, [HttpMethods.Get, HttpMethods.Head], async http =>
        {
            await RequireVisibleAsync(http);
            await _answer.SendAsync(http, keyOf(http), isImmutable: true);
        })
        .Needs(AccessScope.Read).Says(what).AnswersBytes();

    /// <summary>What is not committed is for those who write it only: they look whether it has arrived.</summary>
    private async Task RequireVisibleAsync(HttpContext http)
    {
        var id = http.Snapshot();
        if (http.Key().Scope < AccessScope.Write && !await shelf.IsCommittedAsync(id, http.RequestAborted))
            throw new NotFoundException($"Run {id.Run} has no committed snapshot #{id.Sequence}.");
    }

    private async Task TakeChunkAsync(HttpContext http)
    {
        using var body = await Body.ReadAsync(http, budget, MaxObjectBytes);
        var (outcome, receipt) = await intake.StoreChunkAsync(http.Run(), Route.Value(http, "key"), body.Bytes, http.RequestAborted);
        http.Response.Headers[ReceiptHeader] = Convert.ToBase64String(receipt);
        http.Response.StatusCode = outcome == ChunkStored.Reused ? StatusCodes.Status200OK : StatusCodes.Status201Created;
    }

    private async Task TakeShardAsync(HttpContext http)
    {
        using var body = await Body.ReadAsync(http, budget, MaxObjectBytes);
        var upload = Json.Read(body.Bytes, ApiJson.Default.ShardUploadRequest);
        var digest = await intake.StoreShardAsync(http.Snapshot(), http.Rank(), upload, http.RequestAborted);
        http.Response.Headers.ETag = $"\"{digest}\"";
        http.Response.StatusCode = StatusCodes.Status201Created;
    }

    private async Task TakeSignatureAsync(HttpContext http)
    {
        using var body = await Body.ReadAsync(http, budget, MaxSignatureBytes);
        await intake.StoreSignatureAsync(http.Snapshot(), http.Rank(), body.Bytes, http.RequestAborted);
        http.Response.StatusCode = StatusCodes.Status201Created;
    }

    /// <summary>One that was written and never committed is nobody's: it lies there until somebody sweeps it up.</summary>
    private async Task SendManifestAsync(HttpContext http)
    {
        var id = http.Snapshot();
        if (await shelf.IsCommittedAsync(id, http.RequestAborted))
            await _answer.SendAsync(http, BucketLayout.Manifest(id), isImmutable: true);
        else
            throw new NotFoundException($"Run {id.Run} has no committed snapshot #{id.Sequence}.");
    }

    private async Task SendChunkAsync(HttpContext http)
    {
        var (id, name) = (http.Snapshot(), Route.Value(http, "key"));
        var listed = await shelf.ObjectsOfAsync(id, http.Rank(), http.RequestAborted);
        if (!listed.Contains(name))
            throw new NotFoundException($"Rank {http.Rank()} of snapshot #{id.Sequence} of run {id.Run} has no {name}.");
        await _answer.SendAsync(http, new ObjectKey(name), isImmutable: true);
    }
}
