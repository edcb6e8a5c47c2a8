using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

/// <summary>Programs whose bucket is another one than the silos'.</summary>
public sealed class FitTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>, IAsyncLifetime
{
    private readonly TestChain _chain = new(cluster);
    private readonly MemoryObjectStore _other = new();

    public async ValueTask InitializeAsync() =>
        await BucketIdentity.EnsureAsync(cluster.Store, TimeProvider.System, CancellationToken.None);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_trainer_is_refused_at_once_takes_no_lease_and_is_told_both(bool isBucket)
    {
        var own = isBucket ? (await BucketIdentity.EnsureAsync(_other, TimeProvider.System, CancellationToken.None)).Id.ToString() : "no bucket";
        var run = $"misfit-{isBucket}";
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => Misfit().OpenRunAsync(run));
        Assert.Contains("does not fit its silo", error.Message);
        Assert.Contains(own, error.Message);
        Assert.Contains((await BucketIdentity.FindAsync(cluster.Store, CancellationToken.None))!.Id.ToString(), error.Message);
        Assert.Null(await cluster.Run(run).DescribeAsync());
    }

    [Fact]
    public async Task A_trainer_that_began_without_a_silo_is_told_when_one_comes_and_saves_nothing()
    {
        _chain.Connection.Cut();
        await using var run = await Misfit().OpenRunAsync("misfit-late");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        model.Train(1);
        var save = await run.SaveAsync(new TrainingProgress(1, 0, 0));
        _chain.Connection.Mend();
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => save.Committed.WaitAsync(Soon));
        Assert.Contains("does not fit its silo", error.Message);
        Assert.Null(await cluster.Run("misfit-late").DescribeAsync());
    }

    [Fact]
    public async Task A_reader_is_refused_and_one_that_fits_reads()
    {
        await _chain.SaveStepsAsync("fits", 1);
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => Misfit().ReadAsync("fits", SnapshotRef.Parse("latest"), []));
        Assert.Contains("does not fit its silo", error.Message);
        using var snapshot = await _chain.Chain().ReadAsync("fits", SnapshotRef.Parse("latest"), []);
        Assert.Equal(1, snapshot.Manifest.Step);
    }

    [Fact]
    public async Task Another_ledger_than_the_silos_is_refused()
    {
        _chain.Client.Ledger = "second";
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => _chain.Chain().OpenRunAsync("other-ledger"));
        Assert.Contains("'second'", error.Message);
    }

    private SnapshotChain Misfit() => new(
        _chain.Client, _chain.Save, _chain.Ranks, _chain.Codec, _chain.NewCoordinator(), _other, null, TimeProvider.System, _chain.Log);
}
