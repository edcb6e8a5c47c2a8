using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

public sealed class TwoSiloTests : IAsyncLifetime
{
    private readonly CiuicCluster _cluster = new() { Silos = 2 };

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    [Fact]
    public async Task Runs_commit_on_two_silos_and_go_on_when_one_is_killed()
    {
        var runs = Enumerable.Range(0, 6).Select(i => $"r{i}").ToList();
        var tokens = new Dictionary<string, FencingToken>();
        foreach (var run in runs)
            tokens[run] = (await _cluster.Run(run).OpenAsync(CiuicCluster.Open())).Lease.Token;
        await Task.WhenAll(runs.Select(run => _cluster.SaveAsync(run, tokens[run], 1)));
        await _cluster.Cluster.KillSiloAsync(_cluster.Cluster.Silos[1]);
        foreach (var run in runs)
        {
            await StubbornlyAsync(() => _cluster.QuietAsync(run));
            var view = await StubbornlyAsync(() => _cluster.SaveAsync(run, tokens[run], 2));
            Assert.Equal(SnapshotState.Committed, view.State);
        }

        var report = await StubbornlyAsync(_cluster.AuditAsync);
        Assert.Equal(runs, report.Runs.Select(r => r.Run.Value));
        Assert.All(report.Runs, r => Assert.Equal((2, 2L), (r.Intact, r.HeadStep)));
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    /// <summary>A killed silo's grains answer again when the others have noticed.</summary>
    private static async Task<T> StubbornlyAsync<T>(Func<Task<T>> call)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                return await call();
            }
            catch (Exception error) when (tries < 60 && error is not Xunit.Sdk.XunitException)
            {
                await Task.Delay(500);
            }
        }
    }
}
