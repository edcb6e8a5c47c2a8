using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ciuic.Gateway;

/// <summary>What the gateway's program knows of itself; each answer is a list of what is wrong.</summary>
/// <param name="Live">A new process would not mend anything.</param>
/// <param name="Startup">It has started.</param>
/// <param name="Ready">A save that comes now can be committed.</param>
public sealed record ProgramHealth(
    Func<IReadOnlyList<string>> Live, Func<IReadOnlyList<string>> Startup, Func<Task<IReadOnlyList<string>>> Ready);

/// <summary>For what balances loads in front of gateways. What is wrong, strangers are not told: the silo's own health port says it.</summary>
internal sealed class HealthEndpoints(ProgramHealth health)
{
    public void MapTo(IEndpointRouteBuilder routes)
    {
        Map("/live", "This process need not be started again.", () => Task.FromResult(health.Live()));
        Map("/startup", "It has joined the cluster.", () => Task.FromResult(health.Startup()));
        Map("/ready", "Database, bucket and ledger take writes.", health.Ready);

        void Map(string path, string says, Func<Task<IReadOnlyList<string>>> ask) => routes
            .MapGet(path, async http => await AnswerAsync(http, await ask()))
            .Open().WithTags("Program").Says(says).AnswersText().AnswersText(StatusCodes.Status503ServiceUnavailable);
    }

    private static Task AnswerAsync(HttpContext http, IReadOnlyList<string> problems)
    {
        http.Response.StatusCode = problems.Count == 0 ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        http.Response.ContentType = "text/plain";
        http.Response.Headers.CacheControl = "no-store";
        var text = problems.Count == 0 ? "ok\n" : "not now\n";
        http.Response.ContentLength = text.Length;
        return http.Response.WriteAsync(text);
    }
}
