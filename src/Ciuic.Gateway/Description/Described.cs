using System.Reflection;
using Ciuic.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace Ciuic.Gateway;

/// <summary>A part of a query.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Summary">What it says.</param>
/// <param name="IsNumber">Whether it is a whole number.</param>
internal sealed record QueryPart(string Name, string Summary, bool IsNumber = true);

/// <summary>A header of a successful answer.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Summary">What it says.</param>
internal sealed record AnswerHeader(string Name, string Summary);

/// <summary>What endpoints take and answer, said beside them, for the description of the API.</summary>
internal static class Described
{
    private const string Bytes = "application/octet-stream";

    private static readonly MethodInfo Nothing = typeof(Described).GetMethod(nameof(Handle), BindingFlags.Static | BindingFlags.NonPublic)!;

    /// <summary>In one line.</summary>
    public static T Says<T>(this T endpoint, string summary)
        where T : IEndpointConventionBuilder => endpoint.WithMetadata(Nothing, new EndpointSummaryAttribute(summary));

    /// <summary>Takes a body in JSON.</summary>
    public static IEndpointConventionBuilder Takes<TBody>(this IEndpointConventionBuilder endpoint) =>
        endpoint.WithMetadata(new AcceptsMetadata(["application/json"], typeof(TBody)));

    /// <summary>Takes bytes.</summary>
    public static IEndpointConventionBuilder TakesBytes(this IEndpointConventionBuilder endpoint) =>
        endpoint.WithMetadata(new AcceptsMetadata([Bytes], typeof(byte[])));

    /// <summary>Answers in JSON.</summary>
    public static IEndpointConventionBuilder Answers<TBody>(this IEndpointConventionBuilder endpoint, int status = StatusCodes.Status200OK) =>
        endpoint.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(TBody), ["application/json"]));

    /// <summary>Answers bytes, or a range of them.</summary>
    public static IEndpointConventionBuilder AnswersBytes(this IEndpointConventionBuilder endpoint, string type = Bytes) => endpoint
        .WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(byte[]), [type]));

    /// <summary>Answers text.</summary>
    public static IEndpointConventionBuilder AnswersText(this IEndpointConventionBuilder endpoint, int status = StatusCodes.Status200OK) =>
        endpoint.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(string), ["text/plain"]));

    /// <summary>Answers a status alone.</summary>
    public static IEndpointConventionBuilder AnswersNothing(this IEndpointConventionBuilder endpoint, int status = StatusCodes.Status204NoContent) =>
        endpoint.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(void), []));

    /// <summary>Looks at a part of the query.</summary>
    public static IEndpointConventionBuilder Query(this IEndpointConventionBuilder endpoint, string name, string summary, bool isNumber = true) =>
        endpoint.WithMetadata(new QueryPart(name, summary, isNumber));

    /// <summary>A page of a list.</summary>
    public static IEndpointConventionBuilder Pages<TItem>(this IEndpointConventionBuilder endpoint, bool byNumber) => endpoint
        .Query("cursor", "What the page before said comes next.", byNumber)
        .Query("limit", "Items on a page, up to 1,000.")
        .Answers<ApiPage<TItem>>();

    /// <summary>May wait for something to happen.</summary>
    public static IEndpointConventionBuilder Waits(this IEndpointConventionBuilder endpoint) =>
        endpoint.Query("wait", "Seconds to wait for it, up to 20.");

    /// <summary>Answers a header, too.</summary>
    public static IEndpointConventionBuilder WithHeader(this IEndpointConventionBuilder endpoint, string name, string summary) =>
        endpoint.WithMetadata(new AnswerHeader(name, summary));

    /// <summary>Stands for handlers, which take everything from the context.</summary>
    private static Task Handle(HttpContext http) => Task.CompletedTask;
}
