using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Json.Schema;

namespace Ciuic.Gateway.Tests;

/// <summary>The description of the API, as something that requests and answers can be held against.</summary>
internal sealed class ApiConformance
{
    /// <summary>The validator keeps what all schemas refer to in one place, and is not made for several threads.</summary>
    private static readonly Lock Evaluating = new();

    private readonly ConcurrentDictionary<string, JsonSchema> _schemas = new();
    private readonly JsonNode _document;
    private readonly IReadOnlyList<Operation> _operations;

    public ApiConformance(byte[] document)
    {
        _document = JsonNode.Parse(document)!;
        _operations =
        [
            .. from path in _document["paths"]!.AsObject()
               from method in path.Value!.AsObject()
               select new Operation(method.Key.ToUpperInvariant(), path.Key, method.Value!),
        ];
    }

    public JsonNode Document => _document;

    /// <summary>All operations, such as <c>GET /api/v1/info</c>.</summary>
    public IEnumerable<string> Operations => _operations.Select(o => o.ToString());

    /// <summary>Those that were held against it and answered with success.</summary>
    public ConcurrentDictionary<string, bool> Answered { get; } = new();

    public void Check(string method, string path, byte[]? sent, int status, string? type, byte[]? answered)
    {
        // The longest pattern wins, as in routing: what is literal stands before what is not.
        var operation = _operations.Where(o => o.Fits(method, path)).MaxBy(o => o.Path.Count(c => c != '{') - (100 * o.Path.Count(c => c == '{')));
        if (operation is null)
        {
            Assert.True(status is 404 or 405, $"{method} {path} is answered with {status} and is not described");
            return;
        }

        if (status < 300 && sent is { Length: > 0 } && operation.Node["requestBody"]?["content"]?["application/json"] is { } body)
            Require(operation, "what was sent", body["schema"]!, sent);
        var responses = operation.Node["responses"]!;
        var said = responses[$"{status}"] ?? responses["default"];
        Assert.True(said is not null, $"{operation}: {status} is not described");
        if (status < 400 && responses[$"{status}"] is null && status is not 206)
            Assert.Fail($"{operation}: success {status} is not described");
        if (status < 300)
            Answered[operation.ToString()] = true;
        if (answered is not { Length: > 0 } || status == 206 || method == "HEAD")
            return;
        var media = said!["content"]?[type ?? ""];
        Assert.True(media is not null, $"{operation}: {status} with '{type}' is not described");
        if (type is "application/json" or "application/problem+json")
            Require(operation, $"the answer {status}", media!["schema"]!, answered);
    }

    private void Require(Operation operation, string what, JsonNode schema, byte[] json)
    {
        lock (Evaluating)
            RequireAlone(operation, what, schema, json);
    }

    private void RequireAlone(Operation operation, string what, JsonNode schema, byte[] json)
    {
        var result = _schemas.GetOrAdd(schema.ToJsonString(), Make).Evaluate(JsonDocument.Parse(json).RootElement, new EvaluationOptions { OutputFormat = OutputFormat.List });
        var errors = result.Details?.Where(d => d.Errors is not null).SelectMany(d => d.Errors!.Select(e => $"{d.InstanceLocation}: {e.Value}"));
        Assert.True(result.IsValid, $"{operation}: {what}: {string.Join("; ", errors ?? [])}: {Encoding.UTF8.GetString(json)}");
    }

    private JsonSchema Make(string schema)
    {
        var whole = JsonNode.Parse(schema)!.AsObject();
        whole["$defs"] = _document["components"]!["schemas"]!.DeepClone();
        return JsonSchema.FromText(whole.ToJsonString().Replace("#/components/schemas/", "#/$defs/", StringComparison.Ordinal));
    }

    private sealed class Operation(string method, string path, JsonNode node)
    {
        private readonly Regex _pattern = new(
            "^" + Regex.Replace(path, @"\{(\w+)\}", m => m.Groups[1].Value is "key" or "path" ? ".+" : "[^/]+") + "$");

        public string Path => path;

        public JsonNode Node => node;

        public bool Fits(string wanted, string there) => wanted == method && _pattern.IsMatch(there);

        public override string ToString() => $"{method} {path}";
    }
}
