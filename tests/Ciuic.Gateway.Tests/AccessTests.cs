using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Gateway.Tests;

/// <summary>What nobody gets, whatever he sends.</summary>
public sealed class AccessTests(GatewayCluster gateway) : IClassFixture<GatewayCluster>
{
    private static readonly string Frame = "objects/" + BucketLayout.Chunk(ChunkId.Of([1, 2, 3])).Path;

    [Theory]
    [InlineData("GET", "info")]
    [InlineData("GET", "runs")]
    [InlineData("GET", "runs/a")]
    [InlineData("POST", "runs/a/lease")]
    [InlineData("POST", "runs/a/snapshots")]
    [InlineData("GET", "runs/a/snapshots/latest")]
    [InlineData("PUT", "runs/a/objects/chunks/ab/cd")]
    [InlineData("GET", "runs/a/snapshots/1/shards/0/objects/chunks/ab/cd")]
    [InlineData("GET", "ledgers/main/objects/checkpoint")]
    [InlineData("GET", "runs/a/events/stream")]
    [InlineData("GET", "keys")]
    public async Task Without_a_good_key_there_is_no_answer(string method, string path)
    {
        var expired = await gateway.NewKeyAsync(AccessScope.Admin, goodFor: TimeSpan.Zero);
        foreach (var key in new[] { null, ApiKey.Of(new byte[ApiKey.RandomBytes]), expired })
        {
            using var http = gateway.Http(key);
            using var response = await http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
            await RequireProblemAsync(response, HttpStatusCode.Unauthorized, "key");
        }
    }

    [Theory]
    [InlineData(AccessScope.Read, "POST", "runs/mine/lease")]
    [InlineData(AccessScope.Read, "PUT", "runs/mine/objects/chunks/ab/cd")]
    [InlineData(AccessScope.Write, "POST", "runs/mine/marks")]
    [InlineData(AccessScope.Admin, "GET", "keys")]
    [InlineData(AccessScope.Admin, "GET", "runs/theirs")]
    [InlineData(AccessScope.Admin, "GET", "runs/theirs/events")]
    public async Task A_key_is_for_its_scope_and_its_runs_only(AccessScope scope, string method, string path)
    {
        using var http = gateway.Http(await gateway.NewKeyAsync(scope, "mine"));
        using var response = await http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        await RequireProblemAsync(response, HttpStatusCode.Forbidden, "The key");
    }

    [Fact]
    public async Task A_key_that_was_revoked_is_refused_within_moments_and_its_secret_is_stored_nowhere()
    {
        var key = await gateway.NewKeyAsync();
        using var http = gateway.Http(key);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("info")).StatusCode);
        Assert.True(await gateway.Coordinator.RevokeKeyAsync(key.Id, CancellationToken.None));
        while ((await http.GetAsync("info")).StatusCode == HttpStatusCode.OK)
            await Task.Delay(20);
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("info")).StatusCode);
        var kept = await gateway.Coordinator.ListKeysAsync(CancellationToken.None);
        Assert.DoesNotContain(key.Reveal().Split('_', 3)[2], JsonSerializer.Serialize(kept));
    }

    [Fact]
    public async Task A_full_store_is_told_apart()
    {
        using var http = gateway.Http(await gateway.NewKeyAsync());
        gateway.Cluster.Store.Unwritable = key => throw new UnavailableException($"{key}: no space left") { IsFull = true };
        using var response = await http.PutAsync($"runs/a/objects/{BucketLayout.Chunk(ChunkId.Of([9, 9, 9]))}", new ByteArrayContent(Frames.Of([9, 9, 9])));
        gateway.Cluster.Store.Unwritable = null;
        await RequireProblemAsync(response, HttpStatusCode.InsufficientStorage, "no space left");
        Assert.NotNull(response.Headers.RetryAfter);
    }

    [Fact]
    public async Task Events_end_with_the_key()
    {
        var key = await gateway.NewKeyAsync();
        await using (var chain = gateway.Chain(key))
        await using (var run = await chain.OpenRunAsync("listened"))
            await run.ResumeAsync();
        using var http = gateway.Http(key);
        using var response = await http.GetAsync("runs/listened/events/stream", HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal("id: 1", await lines.ReadLineAsync());
        Assert.True(await gateway.Coordinator.RevokeKeyAsync(key.Id, CancellationToken.None));
        var other = await gateway.NewKeyAsync();
        await Task.Delay(gateway.Options.KeyRefresh * 2);
        await using var next = gateway.Chain(other);
        await using var going = await next.OpenRunAsync("listened"); // something happens
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            while (await lines.ReadLineAsync() is { } line)
                Assert.False(line.StartsWith("id: 9", StringComparison.Ordinal));
        });
    }

    [Fact]
    public async Task A_chunk_with_other_bytes_than_its_name_says_is_refused_and_not_stored()
    {
        using var http = gateway.Http(await gateway.NewKeyAsync());
        var frame = Frames.Of([4, 5, 6]);
        await RequireProblemAsync(await http.PutAsync($"runs/a/{Frame}", new ByteArrayContent(frame)), HttpStatusCode.BadRequest, "nothing was stored");
        await RequireProblemAsync(await http.PutAsync($"runs/a/{Frame}", new ByteArrayContent([1, 2])), HttpStatusCode.BadRequest, "damaged");
        Assert.Null(await gateway.Cluster.Store.GetAsync(BucketLayout.Chunk(ChunkId.Of([1, 2, 3])), CancellationToken.None));
    }

    [Fact]
    public async Task A_chunk_that_is_damaged_in_the_bucket_is_replaced_by_the_right_bytes_and_by_nothing_else()
    {
        var (id, plain) = (ChunkId.Of([7, 7, 7]), (byte[])[7, 7, 7]);
        await gateway.Cluster.Memory.PutAsync(BucketLayout.Chunk(id), new byte[] { 1 }, CancellationToken.None);
        using var http = gateway.Http(await gateway.NewKeyAsync());
        var path = $"runs/a/objects/{BucketLayout.Chunk(id)}";
        Assert.Equal(HttpStatusCode.Created, (await http.PutAsync(path, new ByteArrayContent(Frames.Of(plain)))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await http.PutAsync(path, new ByteArrayContent(Frames.Of(plain)))).StatusCode);
        Assert.Equal(Frames.Of(plain), await gateway.Cluster.Store.GetAsync(BucketLayout.Chunk(id), CancellationToken.None));
    }

    [Theory]
    [InlineData("runs/a/objects/..%2f..%2fledgers/main/checkpoint")]
    [InlineData("runs/a/objects/ledgers/main/checkpoint")]
    [InlineData("runs/a/objects/runs/a/1/manifest")]
    [InlineData("runs/a/objects/deltas/ab/cd")]
    [InlineData("runs/a/objects/chunks/ab/../../x")]
    [InlineData("runs/a/objects/chunks//etc/passwd")]
    public async Task Nothing_but_a_whole_chunk_is_written(string path)
    {
        using var http = gateway.Http(await gateway.NewKeyAsync());
        var response = await http.PutAsync(new Uri(http.BaseAddress + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }), new ByteArrayContent(Frames.Of([1])));
        Assert.Contains(response.StatusCode, new[] { HttpStatusCode.BadRequest, HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed });
    }

    [Theory]
    [InlineData("ledgers/main/objects/..%2f..%2fruns/secret/1/manifest")]
    [InlineData("ledgers/..%2fruns/objects/secret/1/manifest")]
    [InlineData("ledgers/main/objects?prefix=..%2f..%2fruns")]
    [InlineData("ledgers/..%2fruns/objects?prefix=secret")]
    public async Task Through_a_ledger_nothing_else_of_the_bucket_is_read(string path)
    {
        using var http = gateway.Http(await gateway.NewKeyAsync(AccessScope.Admin));
        var response = await http.GetAsync(new Uri(http.BaseAddress + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        Assert.Contains(response.StatusCode, new[] { HttpStatusCode.BadRequest, HttpStatusCode.NotFound });
    }

    [Fact]
    public async Task Who_knows_the_name_of_a_chunk_gets_neither_its_bytes_nor_may_list_it()
    {
        var secret = (byte[])[9, 9, 9, 9];
        var id = ChunkId.Of(secret);
        using var theirs = gateway.Http(await gateway.NewKeyAsync(AccessScope.Write, "theirs"));
        Assert.True((await theirs.PutAsync($"runs/theirs/objects/{BucketLayout.Chunk(id)}", new ByteArrayContent(Frames.Of(secret)))).IsSuccessStatusCode);

        using var mine = gateway.Http(await gateway.NewKeyAsync(AccessScope.Write, "mine"));
        var (sequence, manifest) = await BeginAsync(mine, "mine", id, secret.Length);
        foreach (var receipt in new[] { null, Convert.ToBase64String(new byte[Receipt.Size]), "no base64" })
        {
            var refused = await mine.PutAsync($"runs/mine/snapshots/{sequence}/shards/0/manifest", UploadOf(manifest, receipt));
            await RequireProblemAsync(refused, HttpStatusCode.BadRequest, "was not sent for run mine");
        }

        await RequireProblemAsync(
            await mine.GetAsync($"runs/mine/snapshots/{sequence}/shards/0/objects/{BucketLayout.Chunk(id)}"), HttpStatusCode.NotFound, "no committed");
        var sent = await mine.PutAsync($"runs/mine/objects/{BucketLayout.Chunk(id)}", new ByteArrayContent(Frames.Of(secret)));
        var own = sent.Headers.GetValues("Ciuic-Receipt").Single();
        var taken = await mine.PutAsync($"runs/mine/snapshots/{sequence}/shards/0/manifest", UploadOf(manifest, own));
        Assert.Equal(HttpStatusCode.Created, taken.StatusCode);
    }

    [Fact]
    public async Task What_is_too_large_or_of_unknown_length_is_refused_before_it_is_read()
    {
        using var http = gateway.Http(await gateway.NewKeyAsync());
        using var large = new HttpRequestMessage(HttpMethod.Put, $"runs/a/{Frame}") { Content = new ByteArrayContent(new byte[ObjectEndpoints.MaxObjectBytes + 1]) };
        large.Headers.ExpectContinue = true;
        await RequireProblemAsync(await http.SendAsync(large), HttpStatusCode.RequestEntityTooLarge, "at most");
        using var unknown = new HttpRequestMessage(HttpMethod.Put, $"runs/a/{Frame}") { Content = new StreamContent(new MemoryStream(new byte[3])) };
        unknown.Headers.TransferEncodingChunked = true;
        await RequireProblemAsync(await http.SendAsync(unknown), HttpStatusCode.LengthRequired, "Content-Length");
    }

    [Theory]
    [InlineData("runs/mine/lease", "{}")]
    [InlineData("runs/mine/lease", "nonsense")]
    [InlineData("runs/mine/lease", "null")]
    [InlineData("runs/mine/lease/renew", "{\"token\":-1}")]
    [InlineData("runs/no%20name/lease/renew", "{\"token\":1}")]
    [InlineData("runs/mine/snapshots", "{\"token\":1,\"plan\":null}")]
    [InlineData("runs/mine/snapshots/0/shards/0/complete", "{}")]
    [InlineData("runs/mine/snapshots/1/shards/x/complete", "{}")]
    public async Task Nonsense_is_named(string path, string body)
    {
        using var http = gateway.Http(await gateway.NewKeyAsync());
        var response = await http.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));
        await RequireProblemAsync(response, HttpStatusCode.BadRequest, "");
    }

    [Fact]
    public void Bytes_in_memory_have_an_end_and_whoever_finds_no_room_is_told_to_come_again()
    {
        var budget = new ByteBudget(100);
        using (budget.Take(60))
            Assert.Equal(429, Assert.Throws<HttpProblemException>(() => budget.Take(41)).Status);
        budget.Take(100).Dispose();
    }

    private static ByteArrayContent UploadOf(byte[] manifest, string? receipt) =>
        new(JsonSerializer.SerializeToUtf8Bytes(new ShardUploadRequest(manifest, [receipt]), ApiJson.Default.ShardUploadRequest));

    private static async Task RequireProblemAsync(HttpResponseMessage response, HttpStatusCode status, string says)
    {
        var problem = JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(), ApiJson.Default.ApiProblem)!;
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal((int)status, problem.Status);
        Assert.Contains(says, problem.Detail);
        Assert.NotEmpty(problem.Detail);
    }

    private static async Task<(long Sequence, byte[] Manifest)> BeginAsync(HttpClient http, string run, ChunkId chunk, int length)
    {
        var opened = await (await http.PostAsJsonAsync($"runs/{run}/lease", CiuicCluster.Open(), ApiJson.Default.OpenRequest))
            .Content.ReadFromJsonAsync(ApiJson.Default.OpenReply);
        var begun = await (await http.PostAsJsonAsync(
            $"runs/{run}/snapshots", new BeginRequest(opened!.Lease.Token, CiuicCluster.Plan(1)), ApiJson.Default.BeginRequest))
            .Content.ReadFromJsonAsync(ApiJson.Default.BeginReply);
        var shard = new ShardManifest
        {
            Format = ShardManifest.CurrentFormat,
            Run = RunId.Parse(run),
            Sequence = begun!.Sequence!.Value,
            Rank = new Rank(0),
            Tensors = [],
            Bytes = [new ByteRecord { Item = "model", Name = "value", Offset = 0, Length = length }],
            Chunks = [new ChunkRecord { Id = chunk, Length = length }],
        };
        return (begun.Sequence.Value.Value, ManifestCodec.Encode(shard));
    }
}
