using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace Ciuic.Gateway;

/// <summary>Runs, and what people do to them.</summary>
internal sealed class RunEndpoints(ICoordinator coordinator)
{
    private const int PageSize = 100;

    public void MapTo(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/runs", ListAsync).Needs(AccessScope.Read)
            .Says("Runs that the key is for, by name.").Pages<RunView>(byNumber: false);
        routes.MapGet("/run-names", ListNamesAsync).Needs(AccessScope.Read)
            .Says("Their names, all at once.").Answers<ApiPage<RunId>>();
        routes.MapGet("/runs/{run}", DescribeAsync).Needs(AccessScope.Read)
            .Says("How a run stands.").Answers<RunView>().WithHeader("ETag", "Changes with the answer.").AnswersNothing(StatusCodes.Status304NotModified);
        routes.MapPost("/runs/{run}/rollback", async http => await http.WriteAsync(
            await coordinator.RollbackAsync(http.Run(), await RequireAsync(http), http.RequestAborted), ApiJson.Default.RollbackReply))
            .Needs(AccessScope.Write)
            .Says("Moves the head back. Without a lease's token the key must be for Admin.").Takes<RollbackRequest>().Answers<RollbackReply>();
        routes.MapPost("/runs/{run}/marks", async http => await http.WriteAsync(
            await coordinator.MarkAsync(http.Run(), await ReadMarkAsync(http), http.RequestAborted),
            ApiJson.Default.MarkReply)).Needs(AccessScope.Admin)
            .Says("Tags or pins a snapshot, or takes that back.").Takes<MarkRequest>().Answers<MarkReply>();
    }

    /// <summary>A trainer may go back under its own token; anybody else changes what others train.</summary>
    private static async Task<RollbackRequest> RequireAsync(HttpContext http)
    {
        var request = await http.ReadAsync(ApiJson.Default.RollbackRequest);
        return request.Token is not null || http.Key().Scope >= AccessScope.Admin
            ? request with { Actor = http.Actor(request.Actor) }
            : throw new HttpProblemException(
                StatusCodes.Status403Forbidden, $"The key {http.Key().Id} is for {http.Key().Scope.Name()}; a rollback without a lease's token needs {AccessScope.Admin.Name()}.");
    }

    private static async Task<MarkRequest> ReadMarkAsync(HttpContext http)
    {
        var request = await http.ReadAsync(ApiJson.Default.MarkRequest);
        return request with { Actor = http.Actor(request.Actor) };
    }

    private async Task ListAsync(HttpContext http)
    {
        var after = http.Request.Query["cursor"].ToString();
        var limit = (int)http.Number("limit", PageSize, 1, 1_000);
        var runs = (await coordinator.ListRunsAsync(http.RequestAborted))
            .Where(run => Caller.Reaches(http.Key(), run.Value) && string.CompareOrdinal(run.Value, after) > 0)
            .Take(limit + 1)
            .ToList();
        var views = await Task.WhenAll(runs.Take(limit).Select(run => coordinator.DescribeAsync(run, http.RequestAborted)));
        await http.WriteAsync(
            new ApiPage<RunView>([.. views.OfType<RunView>()], runs.Count > limit ? runs[limit - 1].Value : null), ApiJson.Default.ApiPageRunView);
    }

    private async Task ListNamesAsync(HttpContext http)
    {
        var runs = (await coordinator.ListRunsAsync(http.RequestAborted)).Where(run => Caller.Reaches(http.Key(), run.Value));
        await http.WriteAsync(new ApiPage<RunId>([.. runs], null), ApiJson.Default.ApiPageRunId);
    }

    private async Task DescribeAsync(HttpContext http)
    {
        var view = await coordinator.DescribeAsync(http.Run(), http.RequestAborted)
            ?? throw new NotFoundException($"There is no run '{http.Run()}'.");
        // Every change of a run is an event, but that a lease is renewed, or runs out.
        var tag = $"\"{view.LastEvent}-{view.Lease?.ExpiresAt.ToUnixTimeMilliseconds()}-{view.LeaseIsLive}\"";
        http.Response.Headers.ETag = tag;
        if (http.Request.Headers.IfNoneMatch.Contains(tag))
            http.Response.StatusCode = StatusCodes.Status304NotModified;
        else
            await http.WriteAsync(view, ApiJson.Default.RunView);
    }
}
