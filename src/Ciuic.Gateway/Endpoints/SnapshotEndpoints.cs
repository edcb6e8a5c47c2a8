using System.Globalization;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ciuic.Gateway;

/// <summary>The life of snapshots: begun, shard by shard, waited for, found again.</summary>
internal sealed class SnapshotEndpoints(ICoordinator coordinator, ChainHistory history)
{
    private const int PageSize = 50;

    public void MapTo(IEndpointRouteBuilder routes)
    {
        var snapshots = routes.MapGroup("/runs/{run}/snapshots");
        snapshots.MapGet("", ListAsync).Needs(AccessScope.Read)
            .Says("Snapshots, the newest first.").Pages<SnapshotView>(byNumber: true);
        snapshots.MapPost("", BeginAsync).Needs(AccessScope.Write)
            .Says("Begins one, or joins the ranks that have begun it.").Takes<BeginRequest>().Answers<BeginReply>();
        snapshots.MapGet("{reference}", FindAsync).Needs(AccessScope.Read)
            .Says("One, by its number (and its end can be waited for), latest, step:N, tag:NAME or the first digits of its digest.")
            .Waits().Answers<SnapshotView>();
        snapshots.MapGet("{sequence}/final", async http => await http.WriteAsync(
            new FinalAnswer(await coordinator.WaitFinalAsync(http.Snapshot(), http.Wait(), http.RequestAborted)),
            ApiJson.Default.FinalAnswer)).Needs(AccessScope.Read)
            .Says("Whether a tree head that the quorum has cosigned covers it.").Waits().Answers<FinalAnswer>();
        snapshots.MapPost("{sequence}/shards/{rank}/complete", async http =>
        {
            var request = await http.ReadAsync(ApiJson.Default.CompleteRequest);
            var reply = await coordinator.CompleteShardAsync(http.Snapshot(), request.Token, http.Rank(), request.Shard, http.RequestAborted);
            await http.WriteAsync(new ShardAnswer(reply), ApiJson.Default.ShardAnswer);
        }).Needs(AccessScope.Write).Says("A rank's shard is stored whole.").Takes<CompleteRequest>().Answers<ShardAnswer>();
        snapshots.MapPost("{sequence}/shards/{rank}/abandon", async http =>
        {
            var request = await http.ReadAsync(ApiJson.Default.AbandonRequest);
            await coordinator.AbandonShardAsync(http.Snapshot(), request.Token, http.Rank(), request.Reason, http.RequestAborted);
            http.Response.StatusCode = StatusCodes.Status204NoContent;
        }).Needs(AccessScope.Write).Says("A rank's shard will not come.").Takes<AbandonRequest>().AnswersNothing();
    }

    private async Task BeginAsync(HttpContext http)
    {
        var request = await http.ReadAsync(ApiJson.Default.BeginRequest);
        // JSON's own checks do not look into tables: such a label would be committed, and stay for ever.
        if (request.Plan.Labels.FirstOrDefault(l => l.Value is null).Key is { } empty)
            throw new InvalidInputException($"The label '{empty}' is null: a label is a text; leave it out where there is none.");
        var reply = await coordinator.BeginAsync(http.Run(), request.Token, request.Plan, http.RequestAborted);
        if (reply is { Outcome: BeginOutcome.Begun, Sequence: { } sequence })
            http.Response.Headers.Location = $"/api/v1/runs/{http.Run()}/snapshots/{sequence}";
        await http.WriteAsync(reply, ApiJson.Default.BeginReply);
    }

    /// <summary>By its number, which may wait for its end, or as people name it: <c>latest</c>, <c>step:N</c>, <c>tag:NAME</c>, a digest.</summary>
    private async Task FindAsync(HttpContext http)
    {
        var reference = Route.Value(http, "reference");
        var view = Sequence.TryParse(reference, null, out var sequence)
            ? await OfAsync(new SnapshotId(http.Run(), sequence), http.Wait(), http.RequestAborted)
            : await history.FindAsync(http.Run(), SnapshotRef.Parse(reference), http.RequestAborted);
        await http.WriteAsync(view, ApiJson.Default.SnapshotView);
    }

    private async Task<SnapshotView> OfAsync(SnapshotId id, TimeSpan wait, CancellationToken cancel) =>
        (wait > TimeSpan.Zero ? await coordinator.WaitAsync(id, wait, cancel) : await coordinator.GetAsync(id, cancel))
        ?? throw new NotFoundException($"Run {id.Run} has no snapshot #{id.Sequence}.");

    /// <summary>Newest first.</summary>
    private async Task ListAsync(HttpContext http)
    {
        var limit = (int)http.Number("limit", PageSize, 1, 1_000);
        var from = http.Number("cursor", long.MaxValue, 1, long.MaxValue);
        var page = await coordinator.ListSnapshotsAsync(http.Run(), from, limit, http.RequestAborted);
        var next = page.Next > 0 ? page.Next.ToString(CultureInfo.InvariantCulture) : null;
        await http.WriteAsync(new ApiPage<SnapshotView>(page.Snapshots, next), ApiJson.Default.ApiPageSnapshotView);
    }
}
