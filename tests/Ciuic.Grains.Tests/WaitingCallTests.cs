using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>Who waits beside a grain does not keep it from leaving.</summary>
public sealed class WaitingCallTests : Clusters
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Far less than the patience of those who wait.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task After_a_failed_write_a_run_answers_although_somebody_follows_its_events()
    {
        var cluster = await StartAsync(new CiuicCluster());
        var token = (await cluster.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        var following = await FollowAsync(cluster);
        cluster.Storage.Arm(0, Fault.FailsBefore);
        await Assert.ThrowsAsync<UnavailableException>(() => cluster.Run("x").BeginSnapshotAsync(token, CiuicCluster.Plan(1)));
        Assert.Equal(1, await following.Answer.WaitAsync(Soon));
        Assert.NotNull(await cluster.Run("x").DescribeAsync().WaitAsync(Soon));
    }

    [Fact]
    public async Task An_activation_that_was_left_behind_leaves_although_somebody_follows_the_runs_events()
    {
        var behind = await StartAsync(new CiuicCluster());
        var ahead = await StartAsync(new CiuicCluster { Memory = behind.Memory, Signer = behind.Signer, Storage = behind.Storage });
        var token = (await behind.Run("x").OpenAsync(CiuicCluster.Open())).Lease.Token;
        var following = await FollowAsync(behind);
        await ahead.Run("x").OpenAsync(CiuicCluster.Open(takeOver: token));
        Assert.Equal(2, (await behind.Run("x").DescribeAsync())!.LastEvent);
        await following.Answer.WaitAsync(Soon);
    }

    [Fact]
    public async Task A_silo_that_is_told_to_end_sends_home_who_follows_events()
    {
        var cluster = await StartAsync(new CiuicCluster());
        await cluster.Run("x").OpenAsync(CiuicCluster.Open());
        var following = await FollowAsync(cluster);
        var stopping = cluster.Cluster.StopSiloAsync(cluster.Cluster.Silos[0]);
        Assert.Equal(1, await following.Answer.WaitAsync(Soon));
        await stopping.WaitAsync(Soon);
    }

    /// <summary>Somebody who waits for the run's second event by now, at the activation that every later call finds.</summary>
    private static async Task<Following> FollowAsync(CiuicCluster cluster)
    {
        var answer = cluster.Run("x").WaitEventAsync(2, Patience);
        await cluster.Arrived.FirstAsync(nameof(IRunGrain.WaitEventAsync));
        return new Following(answer);
    }

    private sealed record Following(Task<long> Answer);
}
