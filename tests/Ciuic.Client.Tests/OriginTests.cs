using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Testing;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

/// <summary>History says what was trained from what, whatever a program has loaded.</summary>
public sealed class OriginTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>
{
    private readonly TestChain _chain = new(cluster);

    [Fact]
    public async Task What_is_trained_from_an_older_snapshot_has_that_for_its_parent_and_the_ledger_says_why()
    {
        await _chain.SaveStepsAsync("older", 10, 20, 30);
        await using var run = await _chain.OpenAsync("older");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        await run.ContinueFromAsync(await LinkAsync("older", 1), "step 10 was loaded");
        await StepAsync(run, model, 11);
        await StepAsync(run, model, 12);
        Assert.Equal((1, 4), (await ParentAsync("older", 4), await ParentAsync("older", 5)));
        Assert.Contains(await EventsAsync("older"), e => e.Kind == RunEventKind.RolledBack && e.Detail?.Contains("step 10 was loaded", StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task Going_back_in_the_middle_of_training_waits_for_the_saves_on_their_way()
    {
        await _chain.SaveStepsAsync("spike", 10, 20);
        await using var run = await _chain.OpenAsync("spike");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        model.Train(30);
        var before = await run.SaveAsync(new TrainingProgress(30, 0, 0));
        await run.ContinueFromAsync(await LinkAsync("spike", 1), "the loss rose");
        Assert.True(before.Committed.IsCompletedSuccessfully);
        await StepAsync(run, model, 31);
        Assert.Equal((2, 1), (await ParentAsync("spike", 3), await ParentAsync("spike", 4)));
    }

    [Fact]
    public async Task Where_the_head_is_what_was_loaded_nothing_is_moved()
    {
        await using var run = await _chain.OpenAsync("same");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        await StepAsync(run, model, 1);
        await run.ContinueFromAsync(await LinkAsync("same", 1), "it was loaded again");
        await StepAsync(run, model, 2);
        Assert.Equal(1, await ParentAsync("same", 2));
        Assert.DoesNotContain(await EventsAsync("same"), e => e.Kind == RunEventKind.RolledBack);
    }

    [Fact]
    public async Task Without_a_silo_the_head_is_moved_before_the_first_commit()
    {
        await _chain.SaveStepsAsync("away", 10, 20);
        var link = await LinkAsync("away", 1);
        await using var run = await _chain.OpenAsync("away");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        _chain.Connection.Cut();
        await run.ContinueFromAsync(link, "step 10 was loaded");
        model.Train(11);
        var save = await run.SaveAsync(new TrainingProgress(11, 0, 0));
        _chain.Connection.Mend();
        await save.Committed.WaitAsync(Soon);
        Assert.Equal(1, await ParentAsync("away", 3));
    }

    [Fact]
    public async Task A_run_that_began_without_a_silo_goes_back_before_its_first_commit_too()
    {
        await _chain.SaveStepsAsync("began-away", 10);
        await _chain.SaveStepsAsync("began-away", 20); // another attempt's, so that nothing but the program's word moves the head
        await cluster.Grains.GetGrain<ILedgerGrain>(TestBucket.Ledger).PublishAsync();
        var link = await LinkAsync("began-away", 1);
        _chain.Connection.Cut();
        await using var run = await _chain.OpenAsync("began-away");
        var model = new TrackedArray(Elements);
        Assert.True((await run.Track(model).ResumeAsync()).WithoutSilo);
        await run.ContinueFromAsync(link, "step 10 was loaded");
        model.Train(11);
        var save = await run.SaveAsync(new TrainingProgress(11, 0, 0));
        _chain.Connection.Mend();
        await save.Committed.WaitAsync(Soon);
        Assert.Equal(1, await ParentAsync("began-away", 3));
    }

    [Fact]
    public async Task What_a_snapshot_holds_and_nobody_knows_of_can_be_resumed_too()
    {
        await _chain.SaveStepsAsync("rest", 1);
        await using var run = await _chain.OpenAsync("rest");
        var found = new List<TrackedArray>();
        await run.TrackRest(_ => Add()).ResumeAsync();
        Assert.Equal(TrackedArray.At(1, Elements), Assert.Single(found).Content);

        TrackedArray Add()
        {
            found.Add(new TrackedArray(Elements));
            return found[^1];
        }
    }

    private async Task<SnapshotLink> LinkAsync(string run, long sequence) =>
        (await _chain.Chain().History.FindAsync(RunId.Parse(run), new SnapshotRef.AtSequence(new Sequence(sequence)))).Link!;

    private async Task<long> ParentAsync(string run, long sequence) =>
        (await _chain.Chain().History.FindAsync(RunId.Parse(run), new SnapshotRef.AtSequence(new Sequence(sequence)))).Order.Parent?.Sequence.Value ?? 0;

    private async Task<List<RunEvent>> EventsAsync(string run)
    {
        var events = new List<RunEvent>();
        await foreach (var happened in _chain.Chain().History.ReadEventsAsync(RunId.Parse(run)))
            events.Add(happened);
        return events;
    }
}
