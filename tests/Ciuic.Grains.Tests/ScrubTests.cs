using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>Committed snapshots are read again, by themselves, and damage is told.</summary>
public sealed class ScrubTests : IAsyncLifetime
{
    private readonly CiuicCluster _cluster = new() { Silos = 2 };

    public ValueTask InitializeAsync()
    {
        _cluster.Scrub.PerDay = 1e6; // as fast as it can
        return _cluster.InitializeAsync();
    }

    [Fact]
    public async Task All_snapshots_are_read_round_after_round_and_the_damaged_one_is_told_to_those_who_watch_its_run()
    {
        var token = (await _cluster.Run("scrubbed").OpenAsync(CiuicCluster.Open())).Lease.Token;
        for (var step = 1; step <= 3; step++)
            await _cluster.SaveAsync("scrubbed", token, step);
        await _cluster.QuietAsync("scrubbed");
        var scrub = _cluster.Grains.GetGrain<IScrubGrain>(ICatalogueGrain.ShelfOf(RunId.Parse("scrubbed")));
        await scrub.StartAsync();
        var clean = await UntilAsync(scrub, s => s.Rounds >= 1);
        Assert.True(clean.Snapshots >= 3 && clean.Bytes >= 3 * 80_000);
        Assert.Empty(clean.Findings);

        await DamageAsync("scrubbed", 2);
        var found = await UntilAsync(scrub, s => s.Findings.Length > 0);
        Assert.Equal("scrubbed#2", found.Findings[0].Snapshot);
        Assert.Contains("tensor model/t", found.Findings[0].What);
        var told = Assert.Single((await _cluster.EventsAsync("scrubbed")).Where(e => e.Kind == RunEventKind.Damaged).DistinctBy(e => e.Sequence));
        Assert.Equal((2L, found.Findings[0].What), (told.Sequence!.Value.Value, told.Detail));
        await scrub.StartAsync(); // again changes nothing
        var again = await UntilAsync(scrub, s => s.Rounds > found.Rounds + 1);
        Assert.Equal(found.Findings, again.Findings); // told once
        Assert.Single(await _cluster.EventsAsync("scrubbed"), e => e.Kind == RunEventKind.Damaged);

        await DamageAsync("scrubbed", 2); // the same bit: it is right again
        await UntilAsync(scrub, s => s.Findings.Length == 0);
    }

    [Fact]
    public async Task Between_two_snapshots_it_waits_as_long_as_it_is_told()
    {
        _cluster.Scrub.PerDay = 1;
        var token = (await _cluster.Run("slowly").OpenAsync(CiuicCluster.Open())).Lease.Token;
        await _cluster.SaveAsync("slowly", token, 1);
        await _cluster.SaveAsync("slowly", token, 2);
        await _cluster.QuietAsync("slowly");
        var scrub = _cluster.Grains.GetGrain<IScrubGrain>(ICatalogueGrain.ShelfOf(RunId.Parse("slowly")));
        await scrub.StartAsync();
        await UntilAsync(scrub, s => s.Snapshots == 1);
        await Task.Delay(6_000); // longer than between two looks
        Assert.Equal(1, (await scrub.DescribeAsync()).Snapshots); // the other one is due in half a day
    }

    [Fact]
    public async Task A_run_that_commits_faster_than_the_scrub_reads_does_not_keep_it()
    {
        _cluster.Scrub.MaxBytesPerSecond = 100_000; // most of a second for each
        var token = (await _cluster.Run("busy").OpenAsync(CiuicCluster.Open())).Lease.Token;
        await _cluster.SaveAsync("busy", token, 1);
        var scrub = _cluster.Grains.GetGrain<IScrubGrain>(ICatalogueGrain.ShelfOf(RunId.Parse("busy")));
        await scrub.StartAsync();
        await UntilAsync(scrub, s => s.Snapshots > 0);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var saved = 1;
        while ((await scrub.DescribeAsync()).Rounds == 0)
        {
            Assert.False(deadline.IsCancellationRequested, "no round ends while the run is busy");
            await _cluster.SaveAsync("busy", token, ++saved);
            await Task.Delay(100, CancellationToken.None);
        }

        Assert.True((await scrub.DescribeAsync()).Snapshots < saved);
    }

    [Fact]
    public async Task To_find_the_next_snapshot_the_shelf_and_its_runs_are_not_asked_again()
    {
        var token = (await _cluster.Run("counted").OpenAsync(CiuicCluster.Open())).Lease.Token;
        for (var step = 1; step <= 8; step++)
        {
            await _cluster.SaveAsync("counted", token, step);
            await _cluster.QuietAsync("counted");
        }

        var shelf = ICatalogueGrain.ShelfOf(RunId.Parse("counted"));
        _cluster.Storage.Reads.Clear();
        await _cluster.Grains.GetGrain<IScrubGrain>(shelf).StartAsync();
        await UntilAsync(_cluster.Grains.GetGrain<IScrubGrain>(shelf), s => s.Snapshots >= 8);
        var reads = _cluster.Storage.Reads.ToArray().Where(r => !r.StartsWith("scrub/", StringComparison.Ordinal)).ToList();
        Assert.True(reads.Count <= 8, $"{reads.Count} reads for eight snapshots: {string.Join(", ", reads)}"); // it was four for each
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    private static async Task<ScrubView> UntilAsync(IScrubGrain scrub, Func<ScrubView, bool> fits)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(40));
        while (true)
        {
            if (await scrub.DescribeAsync() is var view && fits(view))
                return view;
            await Task.Delay(50, deadline.Token);
        }
    }

    private async Task DamageAsync(string run, long sequence)
    {
        var id = new SnapshotId(RunId.Parse(run), new Sequence(sequence));
        var shard = ManifestCodec.DecodeShard(await _cluster.Memory.GetAsync(BucketLayout.Shard(id, new Rank(0)), CancellationToken.None));
        var key = BucketLayout.Chunk(shard.Chunks[0]);
        var stored = (await _cluster.Memory.GetAsync(key, CancellationToken.None))!;
        stored[^1] ^= 1;
        await _cluster.Memory.PutAsync(key, stored, CancellationToken.None);
    }
}
