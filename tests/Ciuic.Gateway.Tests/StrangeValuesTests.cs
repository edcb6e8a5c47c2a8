using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Gateway.Tests;

/// <summary>Values that JSON, terminals or lists stumble over: taken and shown as they are, or refused with the caller's own words.</summary>
public sealed class StrangeValuesTests(GatewayCluster gateway) : IClassFixture<GatewayCluster>
{
    [Theory]
    [InlineData(double.NaN, "NaN", "nan")]
    [InlineData(double.PositiveInfinity, "Infinity", "rises")]
    [InlineData(double.NegativeInfinity, "-Infinity", "falls")]
    public async Task A_metric_that_is_no_number_is_saved_found_and_listed_over_HTTP(double value, string literal, string name)
    {
        var key = await gateway.NewKeyAsync();
        await using var chain = gateway.Chain(key);
        await SaveAsync(chain, name, new() { ["loss"] = value, ["other"] = 0.5 });
        var found = await chain.History.FindAsync(RunId.Parse(name), new SnapshotRef.Latest());
        Assert.Equal(value, found.Order.Plan.Metrics["loss"]);
        using var http = gateway.Http(key);
        var listed = JsonDocument.Parse(await http.GetStringAsync($"runs/{name}/snapshots")).RootElement.GetProperty("items")[0];
        Assert.Equal(literal, MetricsOf(listed).GetProperty("loss").GetString());
        Assert.Equal(0.5, MetricsOf(listed).GetProperty("other").GetDouble());
        using var snapshot = await chain.ReadAsync(name, new SnapshotRef.Latest(), []);
        Assert.Equal(value, snapshot.Manifest.Metrics["loss"]);
    }

    [Fact]
    public async Task A_metric_that_is_no_number_and_was_saved_past_the_gateway_breaks_no_list()
    {
        var reply = await gateway.Cluster.Run("past").OpenAsync(CiuicCluster.Open());
        var plan = CiuicCluster.Plan(1) with { Metrics = new() { ["loss"] = double.NaN } };
        var begun = await gateway.Cluster.Run("past").BeginSnapshotAsync(reply.Lease!.Token, plan);
        var shard = await gateway.Cluster.StoreShardAsync("past", begun.Sequence!.Value, 0, 1);
        await gateway.Cluster.Snapshot("past", begun.Sequence.Value).CompleteShardAsync(reply.Lease.Token, new Rank(0), shard);
        await gateway.Cluster.SettledAsync("past", begun.Sequence.Value);
        using var http = gateway.Http(await gateway.NewKeyAsync(AccessScope.Read));
        var page = await http.GetFromJsonAsync("runs/past/snapshots", ApiJson.Default.ApiPageSnapshotView);
        Assert.Equal(double.NaN, Assert.Single(page!.Items).Order.Plan.Metrics["loss"]);
    }

    [Fact]
    public async Task A_label_that_is_null_is_refused_by_its_name()
    {
        var key = await gateway.NewKeyAsync();
        await using var chain = gateway.Chain(key);
        await using var run = await chain.OpenRunAsync("nulls");
        var begin = new BeginRequest(run.Token!.Value, CiuicCluster.Plan(1) with { Labels = new() { ["note"] = null! } });
        var (status, detail) = await PostAsync(key, "runs/nulls/snapshots", JsonSerializer.Serialize(begin, ApiJson.Default.BeginRequest));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("The label 'note' is null", detail);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"token\":\"x\",\"plan\":{}}")]
    [InlineData("{\"token\":1,\"plan\":{\"labels\":{\"note\":5}}}")]
    [InlineData("{\"token\":1,\"plan\":{\"labels\":{\"note\":\"\\ud800\"}}}")]
    [InlineData("{\"token\":-1,\"plan\":null}")]
    [InlineData("{\"token\":1,\"token\":2}")]
    public async Task A_body_that_does_not_fit_is_400_and_names_no_class_of_ours(string body)
    {
        var (status, detail) = await PostAsync(await gateway.NewKeyAsync(), "runs/bodies/snapshots", body);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.DoesNotContain("Ciuic.", detail);
        Assert.DoesNotContain("System.", detail);
        Assert.DoesNotContain("unexpected", detail);
        Assert.DoesNotContain("..", detail);
    }

    [Theory]
    [InlineData("POST", "snapshots", "application/json")]
    [InlineData("PUT", "objects/chunks/00/00", "application/octet-stream")]
    public async Task A_body_of_another_content_type_is_told_from_a_method_that_there_is_not(string method, string path, string needed)
    {
        using var http = gateway.Http(await gateway.NewKeyAsync());
        using var content = new StringContent("{}", null, "application/x-www-form-urlencoded");
        using var response = await http.SendAsync(new HttpRequestMessage(new HttpMethod(method), $"runs/forms/{path}") { Content = content });
        var said = await response.Content.ReadAsStringAsync();
        Assert.Contains("application/x-www-form-urlencoded", said);
        Assert.Contains(needed, said);
    }

    [Fact]
    public async Task What_a_caller_sends_comes_back_printable()
    {
        using var http = gateway.Http(await gateway.NewKeyAsync(AccessScope.Read));
        var answer = await http.GetAsync("runs/x/snapshots/%1b%5B31m%E2%80%AEabc");
        var problem = await answer.Content.ReadFromJsonAsync(ApiJson.Default.ApiProblem);
        Assert.DoesNotContain(problem!.Detail, c => c is '\u001b' or '\u202e');
    }

    [Fact]
    public async Task A_manifest_that_was_written_and_never_committed_is_shown_to_nobody()
    {
        var key = await gateway.NewKeyAsync(AccessScope.Admin);
        var reply = await gateway.Cluster.Run("pending").OpenAsync(CiuicCluster.Open());
        var begun = await gateway.Cluster.Run("pending").BeginSnapshotAsync(reply.Lease!.Token, CiuicCluster.Plan(1));
        var id = new SnapshotId(RunId.Parse("pending"), begun.Sequence!.Value);
        await gateway.Cluster.Store.CreateAsync(BucketLayout.Manifest(id), new byte[] { 1 }, CancellationToken.None);
        var shard = await gateway.Cluster.StoreShardAsync("pending", id.Sequence, 0, 1);
        using (var admin = gateway.Http(key))
            Assert.Equal(HttpStatusCode.NotFound, (await admin.GetAsync("runs/pending/snapshots/1/manifest")).StatusCode);
        using (var reader = gateway.Http(await gateway.NewKeyAsync(AccessScope.Read)))
            Assert.Equal(HttpStatusCode.NotFound, (await reader.GetAsync("runs/pending/snapshots/1/shards/0/manifest")).StatusCode);
        await gateway.Cluster.Store.DeleteAsync(BucketLayout.Manifest(id), CancellationToken.None);
        await gateway.Cluster.Snapshot("pending", id.Sequence).CompleteShardAsync(reply.Lease.Token, new Rank(0), shard);
        await gateway.Cluster.SettledAsync("pending", id.Sequence);
        using var again = gateway.Http(await gateway.NewKeyAsync(AccessScope.Read));
        Assert.Equal(HttpStatusCode.OK, (await again.GetAsync("runs/pending/snapshots/1/manifest")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await again.GetAsync("runs/pending/snapshots/1/shards/0/manifest")).StatusCode);
    }

    [Fact]
    public async Task An_item_without_tensors_is_no_safetensors_file_and_says_what_it_has()
    {
        var key = await gateway.NewKeyAsync();
        await using var chain = gateway.Chain(key);
        await SaveAsync(chain, "bytes-only", []);
        using var http = gateway.Http(key);
        var answer = await http.GetAsync("runs/bytes-only/snapshots/latest/items/model.safetensors");
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        var detail = (await answer.Content.ReadFromJsonAsync(ApiJson.Default.ApiProblem))!.Detail;
        Assert.Contains("'model' has no tensors, only bytes (value)", detail);
    }

    [Theory]
    [InlineData("tree-head")]
    [InlineData("tree_head")]
    [InlineData("TreeHead")]
    [InlineData("blocks")]
    public async Task A_keys_role_is_spelled_as_on_the_command_line_and_as_it_was_before(string role)
    {
        var (status, detail) = await PostAsync(await gateway.NewKeyAsync(AccessScope.Admin), $"ledgers/{TestBucket.Ledger}/keys/{role}", "");
        Assert.False(status == HttpStatusCode.BadRequest && detail.Contains("no role", StringComparison.Ordinal), detail);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("heads")]
    public async Task A_role_that_there_is_not_is_refused(string role)
    {
        var (status, detail) = await PostAsync(await gateway.NewKeyAsync(AccessScope.Admin), $"ledgers/{TestBucket.Ledger}/keys/{role}", "");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("blocks or tree-head", detail);
    }

    private static JsonElement MetricsOf(JsonElement snapshot) => snapshot.GetProperty("order").GetProperty("plan").GetProperty("metrics");

    private static async Task SaveAsync(SnapshotChain chain, string name, Dictionary<string, double> metrics)
    {
        await using var run = await chain.OpenRunAsync(name);
        await run.TrackBytes("model", () => [1, 2, 3], _ => { }).ResumeAsync();
        await (await run.SaveAsync(new TrainingProgress(1, 0, 1), metrics)).Committed;
    }

    /// <summary>Past the check of what the API's description says: this is what it says must not come.</summary>
    private async Task<(HttpStatusCode Status, string Detail)> PostAsync(ApiKey key, string path, string body)
    {
        using var http = new HttpClient { BaseAddress = new Uri(gateway.Endpoint, "/api/v1/") };
        http.DefaultRequestHeaders.Authorization = new("Bearer", key.Reveal());
        var answer = await http.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));
        var text = await answer.Content.ReadAsStringAsync();
        return (answer.StatusCode, answer.IsSuccessStatusCode ? "" : JsonDocument.Parse(text).RootElement.GetProperty("detail").GetString()!);
    }
}
