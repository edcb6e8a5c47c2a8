using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ciuic.Gateway;

/// <summary>What an endpoint asks of whoever calls it.</summary>
/// <param name="Scope">The least that the key must be good for.</param>
internal sealed record Needs(AccessScope Scope);

/// <summary>An endpoint that is about more than one run: a key for some runs is not enough.</summary>
internal sealed record OfAllRuns;

/// <summary>An endpoint that needs no key: it tells nothing of anybody's.</summary>
internal sealed record IsOpen;

/// <summary>Asks once more for the key of a request.</summary>
/// <param name="Again">Throws where it is not good any more.</param>
internal sealed record Admission(Func<Task> Again);

/// <summary>Who calls, and what he may.</summary>
internal static class Caller
{
    private const string Scheme = "Bearer ";

    /// <summary>Says what a key must be good for; an endpoint that does not say it answers nobody.</summary>
    public static T Needs<T>(this T endpoint, AccessScope scope)
        where T : IEndpointConventionBuilder => endpoint.WithMetadata(new Needs(scope));

    /// <summary>Lets everybody call an endpoint.</summary>
    public static T Open<T>(this T endpoint)
        where T : IEndpointConventionBuilder => endpoint.WithMetadata(new IsOpen());

    /// <summary>Lets a request pass whose key is good for what it asks.</summary>
    public static async Task AdmitAsync(HttpContext http, KeyRing keys, Func<Task> next)
    {
        if (http.GetEndpoint() is not { } endpoint)
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        if (endpoint.Metadata.GetMetadata<IsOpen>() is not null && (HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method)))
        {
            await next();
            return;
        }

        var key = await FindAsync(http, keys);
        if (endpoint.Metadata.GetMetadata<Needs>() is not { } needed)
        {
            // Routing's own answer to a wrong method; or an endpoint that does not say who may call it: nobody.
            http.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }

        if (key.Scope < needed.Scope)
            throw new HttpProblemException(StatusCodes.Status403Forbidden, $"The key {key.Id} is for {key.Scope.Name()}; this needs {needed.Scope.Name()}.");
        if (http.GetRouteValue("run") is string run && !Reaches(key, run))
            throw new HttpProblemException(StatusCodes.Status403Forbidden, $"The key {key.Id} is for runs that begin with '{key.RunPrefix}'.");
        if (key.RunPrefix.Length > 0 && endpoint.Metadata.GetMetadata<OfAllRuns>() is not null)
            throw new HttpProblemException(StatusCodes.Status403Forbidden, $"The key {key.Id} is for some runs only; this is about all of them.");
        http.Features.Set(key);
        http.Features.Set(new Admission(() => RequireAgainAsync(http, keys)));
        await next();
    }

    /// <summary>Whether the key of a request that goes on and on is good still.</summary>
    /// <exception cref="HttpProblemException">It is not.</exception>
    public static Task RequireStillGoodAsync(this HttpContext http) => http.Features.Get<Admission>()!.Again();

    /// <summary>The key that a request came with.</summary>
    public static ApiKeyRecord Key(this HttpContext http) => http.Features.Get<ApiKeyRecord>()!;

    /// <summary>Whose requests are counted together: those of a key, or of an address where no key is needed.</summary>
    public static string Counted(HttpContext http) => http.Features.Get<ApiKeyRecord>()?.Id ?? $"{http.Connection.RemoteIpAddress}";

    /// <summary>Whether a key is for a run.</summary>
    public static bool Reaches(ApiKeyRecord key, string run) => run.StartsWith(key.RunPrefix, StringComparison.Ordinal);

    /// <summary>Who asked, for history: what he calls himself, and the key that he showed.</summary>
    public static string Actor(this HttpContext http, string said) => $"{said} (key {http.Key().Name}, {http.Key().Id})";

    private static async Task RequireAgainAsync(HttpContext http, KeyRing keys)
    {
        try
        {
            await FindAsync(http, keys);
        }
        catch (UnavailableException)
        {
            // Nobody says that it is not.
        }
    }

    private static async Task<ApiKeyRecord> FindAsync(HttpContext http, KeyRing keys)
    {
        var header = http.Request.Headers.Authorization.ToString();
        var text = header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..] : "";
        if (ApiKey.TryParse(text) is { } key && await keys.FindAsync(key) is { } found)
            return found;
        http.Response.Headers.WWWAuthenticate = "Bearer";
        throw new HttpProblemException(
            StatusCodes.Status401Unauthorized,
            text.Length == 0
                ? "A key is needed: Authorization: Bearer ciuic_…; 'ciuic key create' makes one."
                : "This key is not known here, or was revoked, or has expired.");
    }
}
