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
            new ApiPage<ApiKeyRecord>([.. await coordinator.ListKeysAsync(http.RequestAborted)], null), ApiJson.Default.ApiPageApiKeyRecord));
        admin.MapPost("/keys", async http =>
        {
            await coordinator.AddKeyAsync(await http.ReadAsync(ApiJson.Default.ApiKeyRecord), http.RequestAborted);
            http.Response.StatusCode = StatusCodes.Status204NoContent;
        });
        admin.MapPost("/keys/{id}/revoke", RevokeAsync);
        admin.MapGet("/scrubs", async http => await http.WriteAsync(
            new ApiPage<ScrubView>([.. await coordinator.DescribeScrubsAsync(http.RequestAborted)], null), ApiJson.Default.ApiPageScrubView));
        var ledger = admin.MapGroup("/ledgers/{ledger}");
        ledger.MapPost("keys/{role}", async http => await http.WriteAsync(
            new KeyAnswer(await coordinator.PrepareKeyAsync(Route.Value(http, "ledger"), RoleOf(http), http.RequestAborted)),
            ApiJson.Default.KeyAnswer));
        ledger.MapPost("keys/{role}/rotate", RotateAsync);
        ledger.MapGet("rebuild", async http => await http.WriteAsync(
            await coordinator.DescribeRebuildAsync(Route.Value(http, "ledger"), http.RequestAborted), ApiJson.Default.RebuildView));
        ledger.MapPost("rebuild", async http =>
        {
            var request = await http.ReadAsync(ApiJson.Default.RebuildRequest);
            await coordinator.StartRebuildAsync(Route.Value(http, "ledger"), request.Known, http.RequestAborted);
            http.Response.StatusCode = StatusCodes.Status202Accepted;
        });
    }

    private static KeyRole RoleOf(HttpContext http) =>
        Enum.TryParse<KeyRole>(Route.Value(http, "role").Replace("_", "", StringComparison.Ordinal), ignoreCase: true, out var role) && Enum.IsDefined(role)
            ? role
            : throw new InvalidInputException($"'{Route.Value(http, "role")}' is no kind of key: {string.Join(", ", Enum.GetNames<KeyRole>())}.");

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
            Route.Value(http, "ledger"), RoleOf(http), request.To, request.Actor, request.Reason, http.RequestAborted);
        await http.WriteAsync(view, ApiJson.Default.LedgerView);
    }
}
