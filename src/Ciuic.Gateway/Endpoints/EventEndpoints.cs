using System.Globalization;
using System.Text;
using System.Text.Json;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ciuic.Gateway;

/// <summary>What happens to runs: a page at a time, or as it happens.</summary>
internal sealed class EventEndpoints(ICoordinator coordinator, ChainEvents events)
{
    /// <summary>Between two of them nobody cuts a connection because nothing comes.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    public void MapTo(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/runs/{run}/events", ListAsync).Needs(AccessScope.Read)
            .Says("What happened to a run, in order.").Pages<RunEvent>(byNumber: true);
        routes.MapGet("/runs/{run}/events/newest", async http => await http.WriteAsync(
            new EventsAnswer(await coordinator.WaitEventAsync(
                http.Run(), http.Number("number", 1, 1, long.MaxValue), http.Wait(), http.RequestAborted)),
            ApiJson.Default.EventsAnswer)).Needs(AccessScope.Read)
            .Says("How far the events are.").Query("number", "The event to wait for.").Waits().Answers<EventsAnswer>();
        routes.MapGet("/runs/{run}/events/stream", FollowAsync).Needs(AccessScope.Read)
            .Says("Events as they happen, as server-sent events; Last-Event-ID goes on where one was.")
            .Query("from", "The first event's number.").AnswersBytes("text/event-stream");
    }

    private async Task ListAsync(HttpContext http)
    {
        var limit = (int)http.Number("limit", 100, 1, 1_000);
        var page = await coordinator.ReadEventsAsync(http.Run(), http.Number("cursor", 1, 1, long.MaxValue), limit, http.RequestAborted);
        var next = page.Length == limit ? (page[^1].Number + 1).ToString(CultureInfo.InvariantCulture) : null;
        await http.WriteAsync(new ApiPage<RunEvent>(page, next), ApiJson.Default.ApiPageRunEvent);
    }

    /// <summary>
    /// Server-sent events; the id of each is its number, so that a browser that connects again goes on where it was. Without
    /// Last-Event-ID from <c>from</c> on, by default the first.
    /// </summary>
    private async Task FollowAsync(HttpContext http)
    {
        var last = http.Request.Headers["Last-Event-ID"].ToString();
        var from = long.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var seen) && seen < long.MaxValue
            ? seen + 1
            : http.Number("from", 1, 1, long.MaxValue);
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-store";
        await http.Response.Body.FlushAsync(http.RequestAborted);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        await using var following = events.FollowAsync(http.Run(), from, ending.Token).GetAsyncEnumerator(ending.Token);
        while (true)
        {
            await http.RequireStillGoodAsync();
            if (!await NextAsync(http, following.MoveNextAsync().AsTask(), ending))
                return;
            var happened = following.Current;
            var data = JsonSerializer.Serialize(happened, ApiJson.Default.RunEvent);
            await SendAsync(http, $"id: {happened.Number}\nevent: {JsonNamingPolicy.SnakeCaseLower.ConvertName($"{happened.Kind}")}\ndata: {data}\n\n");
        }
    }

    private static async Task<bool> NextAsync(HttpContext http, Task<bool> next, CancellationTokenSource ending)
    {
        try
        {
            while (await Task.WhenAny(next, Task.Delay(Heartbeat, http.RequestAborted)) != next)
            {
                http.RequestAborted.ThrowIfCancellationRequested();
                await http.RequireStillGoodAsync();
                await SendAsync(http, ":\n\n");
            }
        }
        catch
        {
            // What is being enumerated cannot be left in the middle of a step.
            await ending.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        return await next;
    }

    private static async Task SendAsync(HttpContext http, string text)
    {
        await http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
    }
}
