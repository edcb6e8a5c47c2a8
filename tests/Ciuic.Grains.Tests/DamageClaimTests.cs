using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>A trainer says that the head is damaged: the silo looks itself before the head moves.</summary>
public sealed class DamageClaimTests : IAsyncLifetime
{
    private readonly CiuicCluster _cluster = new();

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    [Fact]
    public async Task A_head_that_the_silo_reads_whole_stays_the_head_whatever_a_trainer_says()
    {
        var (token, head) = await SaveTwoAsync("whole");
        Assert.Equal(RollbackOutcome.Whole, await ClaimAsync("whole", token, head));
        Assert.Equal(head, (await _cluster.QuietAsync("whole")).Head);
        Assert.DoesNotContain(await _cluster.EventsAsync("whole"), e => e.Kind == RunEventKind.RolledBack);
        Assert.Equal(LeaseReply.Held, await _cluster.Run("whole").RenewAsync(token)); // and nobody is fenced by it
    }

    [Fact]
    public async Task A_head_that_the_silo_finds_damaged_too_is_left()
    {
        var (token, head) = await SaveTwoAsync("damaged");
        var id = new SnapshotId(RunId.Parse("damaged"), head.Sequence);
        var shard = ManifestCodec.DecodeShard(await _cluster.Memory.GetAsync(BucketLayout.Shard(id, new Rank(0)), CancellationToken.None));
        await _cluster.Memory.DeleteAsync(BucketLayout.Chunk(shard.Chunks[^1]), CancellationToken.None);
        Assert.Equal(RollbackOutcome.Done, await ClaimAsync("damaged", token, head));
        Assert.Equal(1, (await _cluster.QuietAsync("damaged")).Head!.Sequence.Value);
    }

    [Fact]
    public async Task While_the_silo_cannot_read_it_either_the_head_stays()
    {
        var (token, head) = await SaveTwoAsync("unknown");
        _cluster.Store.Unreadable = key => key.Path.StartsWith("runs/unknown/2/", StringComparison.Ordinal);
        await Assert.ThrowsAsync<UnavailableException>(() => ClaimAsync("unknown", token, head));
        Assert.Equal(head, (await _cluster.QuietAsync("unknown")).Head);
        _cluster.Store.Unreadable = null;
        Assert.Equal(RollbackOutcome.Whole, await ClaimAsync("unknown", token, head));
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    private async Task<(FencingToken Token, SnapshotLink Head)> SaveTwoAsync(string run)
    {
        var token = (await _cluster.Run(run).OpenAsync(CiuicCluster.Open())).Lease.Token;
        await _cluster.SaveAsync(run, token, 1);
        await _cluster.QuietAsync(run);
        await _cluster.SaveAsync(run, token, 2);
        return (token, (await _cluster.QuietAsync(run)).Head!);
    }

    private async Task<RollbackOutcome> ClaimAsync(string run, FencingToken token, SnapshotLink head)
    {
        var request = new RollbackRequest
        {
            To = Sequence.First,
            Reason = "the head is damaged",
            Actor = "a trainer",
            FenceLiveAttempt = true,
            Token = token,
            From = head,
            FromIsDamaged = true,
        };
        while (true)
        {
            if ((await _cluster.Run(run).RollbackAsync(request)).Outcome is not RollbackOutcome.Reading and var outcome)
                return outcome;
        }
    }
}
