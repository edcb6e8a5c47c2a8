using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace Ciuic.Grains.Tests;

/// <summary>An audit that an old fault has turned red ends green again once the ledger says who accepts it, and why.</summary>
public sealed class RepairTests : Clusters
{
    [Fact]
    public async Task A_parent_that_is_not_the_head_is_reported_until_it_is_repaired_by_a_record()
    {
        // A ledger as silos of before left it: rolled back to #1, and gone on from #2 by a database that had forgotten it.
        var memory = new MemoryObjectStore();
        var bucket = new TestBucket(memory, TimeProvider.System);
        var run = RunId.Parse("poisoned");
        var links = new List<SnapshotLink>();
        for (var i = 1; i <= 2; i++)
            links.Add(Link(await bucket.CommitAsync(run, i, links.LastOrDefault(), ArrayTensor.Random("t", 1_000, i))));
        await bucket.AppendAsync(new LedgerRecord
        {
            Kind = RecordKind.Rollback,
            Run = run,
            Sequence = links[0].Sequence,
            Manifest = links[0].Manifest,
            Token = new FencingToken(1),
            Event = 5,
            Reason = "diverged",
        });
        await bucket.CommitAsync(run, 3, links[1], ArrayTensor.Random("t", 1_000, 3));
        var finding = Assert.Single((await TestBucket.AuditAsync(memory)).Findings);
        Assert.Contains("its parent is not the chain head", finding.What);
        Assert.Contains("ciuic repair poisoned@3", finding.What);

        var cluster = await StartAsync(new CiuicCluster { Memory = memory, Signer = TestKeys.NewSigner() });
        await cluster.Grains.GetGrain<IRebuildGrain>(TestBucket.Ledger).StartAsync(null);
        while (!(await cluster.Grains.GetGrain<IRebuildGrain>(TestBucket.Ledger).DescribeAsync()).IsOver)
            await Task.Delay(20);
        var repair = new MarkRequest { Kind = MarkKind.Repair, Sequence = new Sequence(3), Tag = null, Reason = "an old backup", Actor = "anna" };
        Assert.Equal(MarkOutcome.Done, (await cluster.Run("poisoned").MarkAsync(repair)).Outcome);
        await cluster.Run("poisoned").MarkAsync(repair); // again after a lost answer
        Assert.Single(await cluster.EventsAsync("poisoned"), e => e.Kind == RunEventKind.Repaired);
        var report = await cluster.AuditAsync();
        Assert.True(report.Passed);
        Assert.Contains("accepted by anna: an old backup", Assert.Single(report.Repaired).What);
        Assert.Equal(3, report.Runs.Single().Intact);

        // It accepts that and nothing else: the next one is found.
        await Assert.ThrowsAsync<InvalidInputException>(() => cluster.Run("poisoned").MarkAsync(repair with { Reason = " " }));
        await memory.DeleteAsync(BucketLayout.Manifest(new SnapshotId(run, new Sequence(3))), default);
        Assert.False((await TestBucket.AuditAsync(memory)).Passed);
    }

    [Theory]
    [InlineData(RecordKind.Repair, true)]
    [InlineData(RecordKind.Unpin, false)]
    [InlineData(RecordKind.Rollback, false)]
    public void A_repair_that_was_begun_stands_where_silos_of_before_do_not_take_it_for_something_else(string kind, bool isHidden)
    {
        var record = Samples.Record(1) with { Kind = kind, Step = null, Reason = "r", Actor = "a", Finding = isHidden ? FindingKind.Parent : null };
        var link = new SnapshotLink { Sequence = record.Sequence, Manifest = record.Manifest };
        var state = new RunState { Unfinished = new PendingRecord(record.Encode(), 1, link, 1, "a: r") };
        Assert.Equal(isHidden, state.UnfinishedAlways is null);
        var services = new ServiceCollection().AddSerializer().BuildServiceProvider();
        var serializer = services.GetRequiredService<Serializer>();
        var read = serializer.Deserialize<RunState>(serializer.SerializeToArray(state))!;
        Assert.Equal(record.Encode(), read.Unfinished!.Record);
        Assert.Null((read with { Unfinished = null }).Unfinished);
        // As a silo of the version before this one has left it.
        Assert.NotNull(new RunState { UnfinishedAlways = state.Unfinished }.Unfinished);
    }

    private static SnapshotLink Link(Manifest manifest) =>
        new() { Sequence = manifest.Sequence, Manifest = ManifestDigest.Of(ManifestCodec.Encode(manifest)) };
}
