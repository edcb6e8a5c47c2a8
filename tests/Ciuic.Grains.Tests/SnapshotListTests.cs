using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Testing;
using Orleans.Runtime;

namespace Ciuic.Grains.Tests;

/// <summary>Many snapshots at once.</summary>
public sealed class SnapshotListTests : Clusters
{
    [Fact]
    public async Task A_list_is_read_from_what_is_stored_and_wakes_nobody_but_those_that_have_not_ended()
    {
        var first = await StartAsync(new CiuicCluster());
        var token = (await first.Run("listed").OpenAsync(CiuicCluster.Open())).Lease.Token;
        for (var step = 1; step <= 5; step++)
        {
            await first.SaveAsync("listed", token, step);
            await first.QuietAsync("listed");
        }

        await first.Run("listed").BeginSnapshotAsync(token, CiuicCluster.Plan(6));
        var cluster = await StartAsync(new CiuicCluster { Memory = first.Memory, Storage = first.Storage, Signer = first.Signer });
        var page = await ListAsync(cluster, "listed", long.MaxValue, 1_000);
        Assert.Equal([6L, 5, 4, 3, 2, 1], page.Snapshots.Select(s => s.Sequence.Value));
        Assert.Equal(0, page.Next);
        Assert.Equal(SnapshotState.Pending, page.Snapshots[0].State);
        Assert.All(page.Snapshots.Skip(1), s => Assert.Equal(SnapshotState.Committed, s.State));
        for (var number = 1L; number <= 5; number++)
        {
            var alone = (await first.Snapshot("listed", new Sequence(number)).GetAsync())!;
            var listed = page.Snapshots.Single(s => s.Sequence.Value == number);
            Assert.Equal((alone.Link, alone.Position, alone.Order.Plan.Step), (listed.Link, listed.Position, listed.Order.Plan.Step));
        }

        var grains = await cluster.Grains.GetGrain<IManagementGrain>(0).GetSimpleGrainStatistics();
        Assert.Equal(1, grains.Where(g => g.GrainType.Contains("Ciuic.Grains.SnapshotGrain", StringComparison.Ordinal)).Sum(g => g.ActivationCount));
    }

    [Fact]
    public async Task A_list_goes_on_where_it_ended_and_a_run_that_never_was_has_none()
    {
        var cluster = await StartAsync(new CiuicCluster());
        var token = (await cluster.Run("paged").OpenAsync(CiuicCluster.Open())).Lease.Token;
        for (var step = 1; step <= 3; step++)
        {
            await cluster.SaveAsync("paged", token, step);
            await cluster.QuietAsync("paged");
        }

        var page = await ListAsync(cluster, "paged", long.MaxValue, 2);
        Assert.Equal([3L, 2], page.Snapshots.Select(s => s.Sequence.Value));
        Assert.Equal(1, page.Next);
        page = await ListAsync(cluster, "paged", page.Next, 2);
        Assert.Equal([1L], page.Snapshots.Select(s => s.Sequence.Value));
        Assert.Equal(0, page.Next);
        await Assert.ThrowsAsync<NotFoundException>(() => ListAsync(cluster, "no-such-run", long.MaxValue, 2));
    }

    private static Task<SnapshotPage> ListAsync(CiuicCluster cluster, string run, long from, int limit) =>
        cluster.Grains.GetGrain<ISnapshotListGrain>(run).ListAsync(from, limit);
}
