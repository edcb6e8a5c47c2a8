using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>
/// Every write of a commit, in the bucket and in the database, goes wrong in every way; the trainer asks again, as the
/// client does. Then: nothing committed is lost, nothing uncommitted is visible, nothing is there twice.
/// </summary>
public sealed class FaultTableTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>So many that the next one also takes events to a history page.</summary>
    private const int Before = 3;

    public static TheoryData<string, int, Fault> Table()
    {
        var table = new TheoryData<string, int, Fault>();
        foreach (var fault in new[] { Fault.FailsBefore, Fault.FailsAfter, Fault.LandsLate })
        {
            for (var write = 0; write < 8; write++)
                table.Add("bucket", write, fault);
        }

        foreach (var fault in new[] { Fault.FailsBefore, Fault.FailsAfter })
        {
            for (var write = 0; write < 13; write++)
                table.Add("database", write, fault);
        }

        return table;
    }

    [Theory]
    [MemberData(nameof(Table))]
    public async Task Whatever_write_of_a_commit_goes_wrong_the_commit_is_whole_or_absent(string where, int write, Fault fault)
    {
        var run = $"{where}-{write}-{fault}";
        using var deadline = new CancellationTokenSource(Deadline);
        var token = (await cluster.Run(run).OpenAsync(CiuicCluster.Open())).Lease.Token;
        await SaveAsync(run, token);

        Arm(where, write, fault);
        var view = await SaveStubbornlyAsync(run, token, Before + 1, deadline.Token);
        await cluster.Store.LandLateWritesAsync();

        Assert.Equal(SnapshotState.Committed, view.State);
        var head = (await cluster.QuietAsync(run)).Head;
        Assert.Equal(view.Link, head);
        await SaveStubbornlyAsync(run, token, Before + 2, deadline.Token); // a fault of the tree's view may come this late
        await cluster.QuietAsync(run);
        var audited = (await cluster.AuditAsync()).Runs.Single(r => r.Run.Value == run);
        Assert.Equal((Before + 2, Before + 2, Before + 2L), (audited.Snapshots, audited.Intact, audited.HeadStep));
        Assert.True(where == "bucket" ? cluster.Store.Happened : cluster.Storage.Happened);
        var numbers = (await cluster.EventsAsync(run)).Select(e => e.Number).ToList();
        Assert.Equal(Enumerable.Range(1, numbers.Count).Select(i => (long)i), numbers);
    }

    [Fact]
    public async Task The_table_reaches_every_write_of_a_commit()
    {
        await using var own = new CiuicCluster(); // with a ledger so short that its view has one partial tile, at every run of this test
        await own.InitializeAsync();
        var token = (await own.Run("count").OpenAsync(CiuicCluster.Open())).Lease.Token;
        var (bucket, deleted, database) = (0, 0, 0);
        for (var step = 1; step <= Before + 1; step++)
        {
            (bucket, deleted, database) = (own.Store.Writes.Count, own.Store.Deletes.Count, own.Storage.Writes.Count);
            await own.SaveAsync("count", token, step);
            await own.QuietAsync("count");
            await own.PublishAsync();
        }

        // Faults of the tree's view and of what it supersedes are LedgerWriterTests' own table.
        Assert.Equal(
            [
                "chunks", "chunks", "chunks", "runs/shard", "runs/manifest", "ledgers/block",
                "ledgers/tile/0", "ledgers/tile/entries", "ledgers/checkpoint.N", "ledgers/checkpoint",
            ],
            own.Store.Writes.Skip(bucket).Select(KindOf));
        // Of the last head but three; deleting is no write, and what is not deleted now is collected later.
        Assert.Equal(["ledgers/tile/0", "ledgers/tile/entries"], own.Store.Deletes.Skip(deleted).Select(KindOf).Order());
        // The run when it begins and ends, the snapshot when it begins, has its shard, is verified and committed, and a history page.
        Assert.Equal(7, own.Storage.Writes.Count - database);
    }

    private static string KindOf(string key) => key.Split('/') switch
    {
        ["ledgers", _, "tile", var level, ..] => $"ledgers/tile/{level}",
        ["ledgers", _, var kind, ..] => kind.StartsWith("checkpoint.", StringComparison.Ordinal) ? "ledgers/checkpoint.N" : $"ledgers/{kind}",
        ["runs", _, _, var file] => $"runs/{file.Split('-')[0]}",
        [var folder, ..] => folder,
        [] => "",
    };

    private async Task SaveAsync(string run, FencingToken token)
    {
        for (var step = 1; step <= Before; step++)
        {
            await cluster.SaveAsync(run, token, step);
            await cluster.QuietAsync(run);
        }
    }

    /// <summary>What the client does: repeats whatever is unavailable.</summary>
    private async Task<SnapshotView> SaveStubbornlyAsync(string run, FencingToken token, long step, CancellationToken cancel)
    {
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                return await cluster.SaveAsync(run, token, step);
            }
            catch (UnavailableException)
            {
                await Task.Delay(20, cancel);
            }
        }
    }

    private void Arm(string where, int write, Fault fault)
    {
        if (where == "bucket")
            cluster.Store.Arm(write, fault);
        else
            cluster.Storage.Arm(write, fault);
    }
}
