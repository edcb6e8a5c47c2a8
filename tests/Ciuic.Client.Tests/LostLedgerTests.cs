using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

/// <summary>A ledger that is not all here says nothing of a snapshot: nobody falls back for it, nor begins anew.</summary>
public sealed class LostLedgerTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>
{
    private readonly TestChain _chain = new(cluster);

    [Fact]
    public async Task A_block_that_is_not_here_is_waited_for_and_rolls_nothing_back()
    {
        await _chain.SaveStepsAsync("lagging", 1, 2);
        await cluster.PublishAsync();
        var height = (await cluster.Snapshot("lagging", new Sequence(2)).GetAsync())!.Position!.Value.Height;
        var hidden = await TakeAsync($"block/{height}", "tile/entries/"); // as in a copy of the bucket that lags behind
        await using var run = await _chain.OpenAsync("lagging");
        run.Track(new TrackedArray(Elements));
        var error = await Assert.ThrowsAsync<UnavailableException>(() => run.ResumeAsync());
        Assert.Contains($"block {height} of ledger", error.Message);
        await PutBackAsync(hidden);
        Assert.Equal(2, (await run.ResumeAsync()).Progress.Step);
        Assert.DoesNotContain(await cluster.EventsAsync("lagging"), e => e.Kind == RunEventKind.RolledBack);
    }

    [Fact]
    public async Task A_block_that_is_lost_is_read_from_its_bundle()
    {
        await _chain.SaveStepsAsync("bundled", 1, 2);
        await cluster.PublishAsync();
        var height = (await cluster.Snapshot("bundled", new Sequence(2)).GetAsync())!.Position!.Value.Height;
        var lost = await TakeAsync($"block/{height}");
        await using var run = await _chain.OpenAsync("bundled");
        var report = await run.Track(new TrackedArray(Elements)).ResumeAsync();
        Assert.Equal(2, report.Progress.Step);
        Assert.Empty(report.Damage);
        await PutBackAsync(lost);
    }

    [Fact]
    public async Task Without_a_silo_a_ledger_whose_notes_of_keys_are_lost_is_no_new_run()
    {
        await _chain.SaveStepsAsync("keyless", 1);
        await cluster.PublishAsync();
        var notes = await TakeAsync("keys");
        Assert.Equal(2, notes.Count);
        _chain.Connection.Cut();
        await using var run = await _chain.OpenAsync("keyless");
        var model = new TrackedArray(Elements);
        var error = await Assert.ThrowsAsync<CorruptException>(() => run.Track(model).ResumeAsync());
        Assert.Contains("ledgers/main/keys", error.Message);
        await PutBackAsync(notes.Take(1)); // either of them serves
        Assert.Equal(1, (await run.ResumeAsync()).Progress.Step);
        await PutBackAsync(notes);
    }

    private async Task<List<(ObjectKey Key, byte[] Bytes)>> TakeAsync(params string[] prefixes)
    {
        var taken = new List<(ObjectKey, byte[])>();
        foreach (var prefix in prefixes)
        {
            await foreach (var found in cluster.Memory.ListAsync(BucketLayout.LedgerPrefix(TestBucket.Ledger) + prefix, default))
            {
                taken.Add((found.Key, (await cluster.Memory.GetAsync(found.Key, default))!));
                await cluster.Memory.DeleteAsync(found.Key, default);
            }
        }

        return taken;
    }

    private async Task PutBackAsync(IEnumerable<(ObjectKey Key, byte[] Bytes)> taken)
    {
        foreach (var (key, bytes) in taken)
            await cluster.Memory.PutAsync(key, bytes, default);
    }
}
