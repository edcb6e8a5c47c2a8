using System.Text.Json.Serialization;
using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace Ciuic.Gateway;

/// <summary>The API as OpenAPI 3.1, made from what the endpoints say of themselves, and pages to read it and try it out.</summary>
internal static class ApiDescription
{
    private const string Name = "v1";
    private const string KeyScheme = "key";

    /// <summary>Values that are written as one text or number.</summary>
    private static readonly Dictionary<Type, (JsonSchemaType Type, string Meaning)> Values = new()
    {
        [typeof(RunId)] = (JsonSchemaType.String, $"A run's name: 1 to {RunId.MaxLength} letters, digits, '.', '_' and '-'."),
        [typeof(TagName)] = (JsonSchemaType.String, "A tag."),
        [typeof(Digest)] = (JsonSchemaType.String, "SHA-256, 64 hexadecimal digits."),
        [typeof(ManifestDigest)] = (JsonSchemaType.String, "SHA-256 of a manifest, 64 hexadecimal digits."),
        [typeof(ShardDigest)] = (JsonSchemaType.String, "SHA-256 of a shard manifest, 64 hexadecimal digits."),
        [typeof(ChunkId)] = (JsonSchemaType.String, "SHA-256 of a chunk's plain bytes, 64 hexadecimal digits."),
        [typeof(VerifierKey)] = (JsonSchemaType.String, "A verifier key, as C2SP signed-note has it."),
        [typeof(Sequence)] = (JsonSchemaType.Integer, "A snapshot's number in its run, from 1."),
        [typeof(FencingToken)] = (JsonSchemaType.Integer, "The right to write: a newer one fences an older one."),
        [typeof(Rank)] = (JsonSchemaType.Integer, "A process among those that train a run together, from 0."),
    };

    /// <summary>Adds what makes it.</summary>
    public static void Add(IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.PropertyNamingPolicy = ApiJson.Default.Options.PropertyNamingPolicy;
            json.SerializerOptions.RespectNullableAnnotations = true;
            json.SerializerOptions.NumberHandling = ApiJson.Default.Options.NumberHandling;
            foreach (var converter in ApiJson.Default.Options.Converters)
                json.SerializerOptions.Converters.Add(converter);
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default);
        });
        services.AddOutputCache();
        services.AddOpenApi(Name, options =>
        {
            options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
            options.AddDocumentTransformer(DescribeAsync);
            options.AddOperationTransformer(DescribeAsync);
            options.AddSchemaTransformer(DescribeAsync);
        });
    }

    /// <summary>Serves it: <c>/openapi/v1.json</c>, and <c>/scalar</c> for people. Neither needs a key, and neither has one.</summary>
    public static void MapTo(IEndpointRouteBuilder routes)
    {
        routes.MapOpenApi().Open().CacheOutput(cached => cached.Expire(TimeSpan.FromHours(1)));
        routes.MapScalarApiReference(scalar =>
        {
            scalar.Title = "Ciuic snapshot chain";
            scalar.DefaultFonts = false;
            scalar.Telemetry = false;
        }).Open();
    }

    private static Task DescribeAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancel)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Ciuic snapshot chain",
            Version = Name,
            Description = "Runs, snapshots, bytes, history and events. Every call may be repeated after a lost answer.",
        };
        document.Servers = []; // where it was read from
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [KeyScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "ciuic_..., made by 'ciuic key create'.",
            },
        };
        return Task.CompletedTask;
    }

    private static async Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        var endpoint = context.Description.ActionDescriptor;
        var pattern = RoutePatternFactory.Parse(context.Description.RelativePath ?? "");
        operation.OperationId = NameOf(context.Description.HttpMethod!, pattern);
        operation.Parameters =
        [
            .. pattern.Parameters.Select(p => Parameter(p.Name, ParameterLocation.Path, null, isNumber: p.Name is "sequence" or "rank")),
            .. endpoint.EndpointMetadata.OfType<QueryPart>().Select(q => Parameter(q.Name, ParameterLocation.Query, q.Summary, q.IsNumber)),
        ];
        var headers = endpoint.EndpointMetadata.OfType<AnswerHeader>().ToDictionary(
            h => h.Name, h => (IOpenApiHeader)new OpenApiHeader { Description = h.Summary, Schema = Of(JsonSchemaType.String) });
        foreach (var answer in headers.Count > 0 ? operation.Responses!.Values.OfType<OpenApiResponse>() : [])
            answer.Headers = headers;
        if (endpoint.EndpointMetadata.OfType<Needs>().LastOrDefault() is not { } needs)
            return;
        operation.Description = $"Needs a key for {needs.Scope}{(endpoint.EndpointMetadata.OfType<OfAllRuns>().Any() ? " of all runs" : "")}.";
        operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(KeyScheme, context.Document)] = [] }];
        operation.Responses!["default"] = await ErrorAsync(context, cancel);
    }

    private static async Task<OpenApiResponse> ErrorAsync(OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        context.Document!.AddComponent(nameof(ApiProblem), await context.GetOrCreateSchemaAsync(typeof(ApiProblem), null, cancel));
        return new OpenApiResponse
        {
            Description = "What is wrong, and what to do next.",
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [ApiProblem.MediaType] = new OpenApiMediaType { Schema = new OpenApiSchemaReference(nameof(ApiProblem), context.Document) },
            },
        };
    }

    private static Task DescribeAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancel)
    {
        var type = context.JsonTypeInfo.Type;
        if (type == typeof(double))
            DescribeNumber(schema);
        if (!Values.TryGetValue(Nullable.GetUnderlyingType(type) ?? type, out var value))
            return Task.CompletedTask;
        schema.Type = value.Type; // shared by places that may be null, which say so themselves
        schema.Description = value.Meaning;
        return Task.CompletedTask;
    }

    /// <summary>JSON has no spelling for what is no number: a text stands for it.</summary>
    private static void DescribeNumber(OpenApiSchema schema)
    {
        (schema.Type, schema.Format, schema.Enum, schema.Pattern) = (null, null, null, null);
        schema.AnyOf =
        [
            new OpenApiSchema { Type = JsonSchemaType.Number, Format = "double" },
            new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["NaN", "Infinity", "-Infinity"] },
        ];
    }

    private static OpenApiParameter Parameter(string name, ParameterLocation place, string? summary, bool isNumber) => new()
    {
        Name = name,
        In = place,
        Required = place == ParameterLocation.Path,
        Description = summary,
        Schema = Of(isNumber ? JsonSchemaType.Integer : JsonSchemaType.String),
    };

    private static OpenApiSchema Of(JsonSchemaType type) => new() { Type = type };

    /// <summary>Such as <c>get_runs_run_snapshots</c>.</summary>
    private static string NameOf(string method, RoutePattern pattern) => string.Join(
        '_',
        pattern.PathSegments
            .SelectMany(segment => segment.Parts)
            .Select(part => part is RoutePatternParameterPart parameter ? parameter.Name : ((RoutePatternLiteralPart)part).Content)
            .Where(word => word is not ("api" or Name))
            .Select(word => word.Replace('-', '_'))
            .Prepend(method.ToLowerInvariant()));
}
