using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace Ciuic.Gateway;

/// <summary>
/// The right to train a run. Every call may be repeated after a lost answer: processes and tokens say who asks.
/// </summary>
internal sealed class LeaseEndpoints(ICoordinator coordinator)
{
    public void MapTo(IEndpointRouteBuilder routes)
    {
        var leases = routes.MapGroup("/runs/{run}/lease").Needs(AccessScope.Write);
        leases.MapPost("", async http => await http.WriteAsync(
            await coordinator.OpenAsync(http.Run(), await http.ReadAsync(ApiJson.Default.OpenRequest), http.RequestAborted),
            ApiJson.Default.OpenReply))
            .Says("Takes the right to train a run, or joins the ranks that have it.").Takes<OpenRequest>().Answers<OpenReply>();
        leases.MapPost("renew", async http => await http.WriteAsync(
            new LeaseAnswer(await coordinator.RenewAsync(
                http.Run(), (await http.ReadAsync(ApiJson.Default.RenewRequest)).Token, http.RequestAborted)),
            ApiJson.Default.LeaseAnswer)).Says("Keeps it.").Takes<RenewRequest>().Answers<LeaseAnswer>();
        leases.MapPost("close", async http =>
        {
            var request = await http.ReadAsync(ApiJson.Default.CloseRequest);
            var reply = await coordinator.CloseAsync(http.Run(), request.Token, request.Member, http.RequestAborted);
            await http.WriteAsync(new LeaseAnswer(reply), ApiJson.Default.LeaseAnswer);
        }).Says("Gives it back.").Takes<CloseRequest>().Answers<LeaseAnswer>();
        leases.MapPost("ready", async http =>
        {
            var request = await http.ReadAsync(ApiJson.Default.ReadyRequest);
            var reply = await coordinator.ReadyAsync(http.Run(), request.Token, request.Member, request.Restored, http.RequestAborted);
            await http.WriteAsync(reply, ApiJson.Default.ReadyReply);
        }).Says("Tells what a rank has restored, and asks how far the others are.").Takes<ReadyRequest>().Answers<ReadyReply>();
    }
}
