using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Gateway.Tests;

public sealed class SavingTests(GatewayCluster gateway) : IClassFixture<GatewayCluster>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task What_is_saved_through_a_gateway_is_restored_through_it_bit_for_bit()
    {
        var key = await gateway.NewKeyAsync();
        byte[] model = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7 / 3))], restored = [];
        await using (var chain = gateway.Chain(key))
        await using (var run = await chain.OpenRunAsync("through"))
        {
            await run.TrackBytes("model", () => model, _ => { }).ResumeAsync();
            for (var step = 1; step <= 3; step++)
            {
                model[step] ^= 1;
                var save = await run.SaveAsync(new TrainingProgress(step, 0, step));
                await save.Committed.WaitAsync(Soon);
            }
        }

        await using var again = gateway.Chain(key);
        await using var resumed = await again.OpenRunAsync("through");
        var report = await resumed.TrackBytes("model", () => restored, bytes => restored = bytes).ResumeAsync();
        Assert.Equal(3, report.Progress.Step);
        Assert.False(report.WithoutSilo);
        Assert.Equal(model, restored);
        await gateway.Cluster.AuditAsync();
    }

    [Fact]
    public async Task A_save_whose_chunks_went_through_before_its_process_ended_is_committed_by_the_next_one()
    {
        using var folder = new TemporaryFolder();
        var key = await gateway.NewKeyAsync();
        var options = new SaveOptions { OnTerminate = OnTerminate.Ignore, ChunkBytes = 64 << 10, SpoolDirectory = folder.Path };
        byte[] model = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 5 / 3))], restored = [];
        await using (var chain = gateway.Chain(key, options))
        {
            var run = await chain.OpenRunAsync("sent");
            await run.TrackBytes("model", () => model, _ => { }).ResumeAsync();
            gateway.Cluster.Store.Unwritable = k => k.Path.StartsWith(BucketLayout.RunsPrefix, StringComparison.Ordinal); // chunks go, manifests do not
            await run.SaveAsync(new TrainingProgress(7, 0, 1));
            Assert.Equal(SaveOutcome.Spooled, Assert.Single(await run.CloseAsync(TimeSpan.FromSeconds(2))).Outcome);
            gateway.Cluster.Store.Unwritable = null;
        }

        var record = Assert.Single(Directory.GetFiles(Path.Combine(folder.Path, "sent", "bucket", "saves")));
        Assert.Contains("\"in_bucket\":true", await File.ReadAllTextAsync(record));
        await using var next = gateway.Chain(key, options);
        await using var again = await next.OpenRunAsync("sent");
        Assert.Equal(7, (await again.TrackBytes("model", () => restored, bytes => restored = bytes).ResumeAsync()).Progress.Step);
        Assert.Equal(model, restored);
    }

    [Fact]
    public async Task Runs_snapshots_and_events_are_seen_as_the_cluster_sees_them()
    {
        await SaveAsync("seen", 2);
        await using var chain = gateway.Chain(await gateway.NewKeyAsync(AccessScope.Read, "seen"));
        var view = await chain.History.DescribeAsync(RunId.Parse("seen"));
        Assert.Equal(2, view.Head!.Sequence.Value);
        Assert.Equal(["seen"], (await chain.History.ListRunsAsync()).Select(r => r.Run.Value));
        Assert.Equal(1, (await chain.History.FindAsync(RunId.Parse("seen"), SnapshotRef.Parse("step:1"))).Sequence.Value);
        var events = await gateway.Cluster.EventsAsync("seen");
        var seen = new List<RunEvent>();
        await foreach (var happened in chain.Events.FollowAsync(RunId.Parse("seen")))
        {
            seen.Add(happened);
            if (seen.Count == events.Length)
                break;
        }

        Assert.Equal(events, seen);
    }

    [Fact]
    public async Task A_rollback_by_a_person_needs_an_admins_key_and_fences_whoever_trains()
    {
        await SaveAsync("back", 2);
        await using var trainer = gateway.Chain(await gateway.NewKeyAsync());
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => BackAsync(trainer));
        Assert.Contains("needs admin", error.Message);
        await using var admin = gateway.Chain(await gateway.NewKeyAsync(AccessScope.Admin));
        Assert.Equal(1, (await BackAsync(admin)).Head!.Sequence.Value);
        var told = Assert.Single(await gateway.Cluster.EventsAsync("back"), e => e.Kind == RunEventKind.RolledBack);
        Assert.Contains("test (key test, ", told.Detail);

        static Task<RunView> BackAsync(SnapshotChain chain) =>
            chain.History.RollbackAsync(RunId.Parse("back"), SnapshotRef.Parse("#1"), "why not", "test", fenceLiveAttempt: true);
    }

    [Fact]
    public async Task Keys_are_made_listed_and_ended_over_HTTP_too()
    {
        await using var admin = gateway.Chain(await gateway.NewKeyAsync(AccessScope.Admin));
        var key = ApiKey.Of(System.Security.Cryptography.RandomNumberGenerator.GetBytes(ApiKey.RandomBytes));
        await admin.Access.AddAsync(key, "made over HTTP", AccessScope.Read, "seen", null);
        Assert.Equal("made over HTTP", Assert.Single(await admin.Access.ListAsync(), k => k.Id == key.Id).Name);
        await admin.Access.RevokeAsync(key.Id);
        Assert.NotNull(Assert.Single(await admin.Access.ListAsync(), k => k.Id == key.Id).RevokedAt);
        await Assert.ThrowsAsync<NotFoundException>(() => admin.Access.RevokeAsync("0123456789ab"));
    }

    [Fact]
    public async Task A_gateway_that_drains_is_not_kept_by_whoever_follows_events()
    {
        await using var other = new GatewayCluster();
        await other.InitializeAsync();
        using var http = other.Http(await other.NewKeyAsync(AccessScope.Read));
        using var stream = await http.GetAsync("runs/nothing-yet/events/stream", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", stream.Content.Headers.ContentType!.MediaType);
        var stopping = other.StopGatewayAsync();
        await stopping.WaitAsync(TimeSpan.FromSeconds(10));
    }

    private async Task SaveAsync(string name, int steps)
    {
        await using var chain = gateway.Chain(await gateway.NewKeyAsync());
        await using var run = await chain.OpenRunAsync(name);
        await run.TrackBytes("model", () => [1, 2, 3], _ => { }).ResumeAsync();
        for (var step = 1; step <= steps; step++)
            await (await run.SaveAsync(new TrainingProgress(step, 0, step))).Committed.WaitAsync(Soon);
    }
}
