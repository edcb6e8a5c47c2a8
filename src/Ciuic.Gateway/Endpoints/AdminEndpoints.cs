using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ciuic.Gateway;

/// <summary>What is not about one run: keys of this API and of ledgers, scrubs, rebuilding. Only for keys that are for all runs.</summary>
internal sealed class AdminEndpoints(ICoordinator coordinator)
{
    public void MapTo(IEndpointRouteBuilder routes)
    {
        var admin = routes.MapGroup("").Needs(AccessScope.Admin).WithMetadata(new OfAllRuns());
        admin.MapGet("/keys", async http => await http.WriteAsync(
            new ApiPage<ApiKeyRecord>([.. await coordinator.ListKeysAsync(http.RequestAborted)], null), ApiJson.Default.ApiPageApiKeyRecord))
            .Says("All keys of this API, without their secrets.").Answers<ApiPage<ApiKeyRecord>>();
        admin.MapPost("/keys", async http =>
        {
            await coordinator.AddKeyAsync(await http.ReadAsync(ApiJson.Default.ApiKeyRecord), http.RequestAborted);
            http.Response.StatusCode = StatusCodes.Status204NoContent;
        }).Says("Adds a key, of which the caller alone has the secret.").Takes<ApiKeyRecord>().AnswersNothing();
        admin.MapPost("/keys/{id}/revoke", RevokeAsync).Says("Ends a key.").AnswersNothing();
        admin.MapGet("/scrubs", async http => await http.WriteAsync(
            new ApiPage<ScrubView>([.. await coordinator.DescribeScrubsAsync(http.RequestAborted)], null), ApiJson.Default.ApiPageScrubView))
            .Says("How far committed snapshots were read again.").Answers<ApiPage<ScrubView>>();
        var ledger = admin.MapGroup("/ledgers/{ledger}");
        ledger.MapPost("keys/{role}", async http => await http.WriteAsync(
            new KeyAnswer(await coordinator.PrepareKeyAsync(Route.Value(http, "ledger"), RoleOf(http), http.RequestAborted)),
            ApiJson.Default.KeyAnswer)).Says("Makes or finds the next key of a ledger.").Answers<KeyAnswer>();
        ledger.MapPost("keys/{role}/rotate", RotateAsync).Says("Changes to it.").Takes<RotateRequest>().Answers<LedgerView>();
        ledger.MapGet("rebuild", async http => await http.WriteAsync(
            await coordinator.DescribeRebuildAsync(Route.Value(http, "ledger"), http.RequestAborted), ApiJson.Default.RebuildView)).Says("How far a rebuild is.").Answers<RebuildView>();
        ledger.MapPost("rebuild", async http =>
        {
            var request = await http.ReadAsync(ApiJson.Default.RebuildRequest);
            await coordinator.StartRebuildAsync(Route.Value(http, "ledger"), request.Known, http.RequestAborted);
            http.Response.StatusCode = StatusCodes.Status202Accepted;
        }).Says("Brings the cluster's state back from the bucket.").Takes<RebuildRequest>().AnswersNothing(StatusCodes.Status202Accepted);
    }

    private static KeyRole RoleOf(HttpContext http) => KeyRoles.Parse(Route.Value(http, "role"));

    private async Task RevokeAsync(HttpContext http)
    {
        if (!await coordinator.RevokeKeyAsync(Route.Value(http, "id"), http.RequestAborted))
            throw new NotFoundException($"There is no key {Route.Value(http, "id")}.");
        http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task RotateAsync(HttpContext http)
    {
        var request = await http.ReadAsync(ApiJson.Default.RotateRequest);
        var view = await coordinator.RotateAsync(
            Route.Value(http, "ledger"), RoleOf(http), request.To, http.Actor(request.Actor), request.Reason, http.RequestAborted);
        await http.WriteAsync(view, ApiJson.Default.LedgerView);
    }
}
