using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using Ciuic.Client;
using Ciuic.Client.Tests;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Gateway.Tests;

/// <summary>The description of the API is true: every operation is in it, and every answer is as it says.</summary>
public sealed class ApiDescriptionTests(GatewayCluster gateway) : IClassFixture<GatewayCluster>
{
    private const string Run = "described";

    [Fact]
    public async Task It_is_OpenAPI_3_1_for_everybody_with_a_page_to_read_it()
    {
        using var stranger = new HttpClient { BaseAddress = gateway.Endpoint };
        Assert.Equal("3.1", ((string?)gateway.Description.Document["openapi"])![..3]);
        Assert.Contains("openapi/v1.json", await stranger.GetStringAsync("/scalar/v1"));
        Assert.All(
            gateway.Description.Document["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject()),
            o => Assert.False(string.IsNullOrEmpty((string?)o.Value!["summary"]), $"{o.Key} says nothing"));
        Assert.Distinct(gateway.Description.Document["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject()).Select(o => (string?)o.Value!["operationId"]));
    }

    [Fact]
    public async Task Health_is_told_to_everybody_without_what_is_wrong()
    {
        using var stranger = gateway.Http(null);
        foreach (var path in new[] { "/live", "/startup", "/ready" })
            Assert.Equal("ok\n", await stranger.GetStringAsync(path));
        gateway.NotReady = ["database: secret.example.org does not answer"];
        var ready = await stranger.GetAsync("/ready");
        gateway.NotReady = [];
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "not now\n"), (ready.StatusCode, await ready.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Every_operation_answers_as_it_is_described()
    {
        var key = await gateway.NewKeyAsync(AccessScope.Admin);
        await SaveAsync(key);
        using var http = gateway.Http(key);
        await ReadAsync(http);
        await FollowAsync(http);
        await TrainAsync(gateway.Over(key));
        await AdministerAsync(gateway.Over(key), (await gateway.NewKeyAsync()).Id);
        Assert.Empty(gateway.Description.Operations.Except(gateway.Description.Answered.Keys));
    }

    private async Task SaveAsync(ApiKey key)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("key"), TestKeys.Stranger.Export());
        File.SetUnixFileMode(folder.File("key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var model = new TrackedArray(25_000);
        await using var chain = gateway.Chain(key, new SaveOptions { OnTerminate = OnTerminate.Ignore, ChunkBytes = 64 << 10, KeyFile = folder.File("key") });
        await using var run = await chain.OpenRunAsync(Run);
        await run.Track(model).ResumeAsync();
        for (var step = 1; step <= 2; step++)
        {
            model.Train(step);
            await (await run.SaveAsync(new TrainingProgress(step, 0, step))).Committed;
        }
    }

    private async Task ReadAsync(HttpClient http)
    {
        const string Snapshot = $"runs/{Run}/snapshots/1";
        var plan = await http.GetFromJsonAsync($"{Snapshot}/plan?rank=0", ApiJson.Default.RestorePlan);
        var objects = $"{Snapshot}/shards/0/objects/{plan!.Shards[0].Objects[0].Path}";
        foreach (var path in (string[])[
            "/live", "/startup", "/ready", "info", "runs", "runs?limit=1", "run-names", $"runs/{Run}", $"runs/{Run}/usage", $"runs/{Run}/snapshots",
            $"runs/{Run}/snapshots/latest", $"{Snapshot}?wait=1", $"{Snapshot}/final", $"{Snapshot}/items", $"{Snapshot}/proof", $"{Snapshot}/items/model.safetensors",
            $"{Snapshot}/manifest", $"{Snapshot}/shards/0/manifest", $"{Snapshot}/shards/0/signature", objects,
            $"runs/{Run}/events?limit=2", $"runs/{Run}/events/newest", "keys", "scrubs",
            $"ledgers/{TestBucket.Ledger}", $"ledgers/{TestBucket.Ledger}/objects", $"ledgers/{TestBucket.Ledger}/objects/checkpoint",
            $"ledgers/{TestBucket.Ledger}/rebuild",
        ])
        {
            var response = await http.GetAsync(path);
            while (response.StatusCode == HttpStatusCode.ServiceUnavailable) // the tree head is on its way
            {
                await Task.Delay(response.Headers.RetryAfter!.Delta!.Value);
                response = await http.GetAsync(path);
            }

            Assert.True(response.IsSuccessStatusCode, path);
        }

        foreach (var path in (string[])[
            $"{Snapshot}/manifest", $"{Snapshot}/shards/0/manifest", $"{Snapshot}/shards/0/signature", objects,
            $"ledgers/{TestBucket.Ledger}/objects/checkpoint",
        ])
            Assert.True((await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, path))).IsSuccessStatusCode, path);
        plan = await http.GetFromJsonAsync($"runs/{Run}/snapshots/latest/plan", ApiJson.Default.RestorePlan);
        var missing = await http.PostAsJsonAsync(
            $"runs/{Run}/chunks:missing", new MissingRequest([plan!.Shards[0].Objects[0].Path, "chunks/00/00"]), ApiJson.Default.MissingRequest);
        Assert.Equal(["chunks/00/00"], (await missing.Content.ReadFromJsonAsync(ApiJson.Default.MissingAnswer))!.Missing);
    }

    private static async Task FollowAsync(HttpClient http)
    {
        using var response = await http.GetAsync($"runs/{Run}/events/stream", HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal("id: 1", await lines.ReadLineAsync());
    }

    /// <summary>Under a right that is over: expected outcomes are answers like others.</summary>
    private static async Task TrainAsync(HttpCoordinator coordinator)
    {
        var (run, old) = (RunId.Parse(Run), new FencingToken(1));
        var member = new RankProcess(new Rank(0), Guid.NewGuid());
        Assert.Equal(LeaseReply.Fenced, await coordinator.RenewAsync(run, old, CancellationToken.None));
        Assert.NotEqual(ReadyOutcome.Ready, (await coordinator.ReadyAsync(run, old, member, null, CancellationToken.None)).Outcome);
        await coordinator.AbandonShardAsync(new SnapshotId(run, new Sequence(1)), old, new Rank(0), "late", CancellationToken.None);
    }

    private static async Task AdministerAsync(HttpCoordinator coordinator, string otherKey)
    {
        var run = RunId.Parse(Run);
        var request = new MarkRequest { Kind = MarkKind.Pin, Sequence = new Sequence(1), Tag = null, Reason = "test", Actor = "test" };
        Assert.Equal(MarkOutcome.Done, (await coordinator.MarkAsync(run, request, CancellationToken.None)).Outcome);
        var back = new RollbackRequest { To = new Sequence(1), Reason = "why not", Actor = "test", FenceLiveAttempt = true };
        Assert.Equal(RollbackOutcome.Done, (await coordinator.RollbackAsync(run, back, CancellationToken.None)).Outcome);
        var added = ApiKey.Of(RandomNumberGenerator.GetBytes(ApiKey.RandomBytes));
        await new ChainAccess(coordinator, TimeProvider.System).AddAsync(added, "added", AccessScope.Read, "", null);
        Assert.True(await coordinator.RevokeKeyAsync(otherKey, CancellationToken.None));
        var next = await coordinator.PrepareKeyAsync(TestBucket.Ledger, KeyRole.Blocks, CancellationToken.None);
        await coordinator.RotateAsync(TestBucket.Ledger, KeyRole.Blocks, next, "test", "test", CancellationToken.None);
        await coordinator.StartRebuildAsync(TestBucket.Ledger, null, CancellationToken.None);
    }
}
