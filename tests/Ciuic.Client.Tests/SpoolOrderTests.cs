using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Client.Tests;

/// <summary>Behind what a save that was kept may be committed, and which of them are not needed any more.</summary>
public sealed class SpoolOrderTests(CiuicCluster cluster) : SpoolFixture(cluster)
{
    [Fact]
    public async Task Two_saves_of_one_step_are_both_committed_in_their_order()
    {
        await KeepAllAsync("same-step", (1, 10), (1, 11), (2, 12));
        Assert.Equal([(1, "Committed"), (1, "Committed"), (2, "Committed")], await SyncAsync("same-step"));
        Assert.Empty(Saves("same-step"));
        await using var next = await NewChain().OpenAsync("same-step");
        var restored = new TrackedArray(TestChain.Elements);
        await next.Track(restored).ResumeAsync();
        Assert.Equal(TrackedArray.At(12, TestChain.Elements), restored.Content);
    }

    [Fact]
    public async Task A_save_that_was_kept_outlives_the_commit_of_an_earlier_one_of_its_step()
    {
        var chain = NewChain();
        await using (var run = await chain.OpenAsync("later"))
        {
            var model = new TrackedArray(TestChain.Elements);
            await run.Track(model).ResumeAsync();
            chain.Connection.Cut();
            model.Train(50);
            var first = await run.SaveAsync(new TrainingProgress(1, 0, 0)); // uploaded, and waits for a silo
            while (run.WaitingSaves == 0)
                await Task.Delay(20, TestContext.Current.CancellationToken);
            await KeepOneAsync(run, model, 1, 51);
            Cluster.Store.Unwritable = null;
            chain.Connection.Mend();
            await first.Committed.WaitAsync(TestChain.Soon);
        }

        Assert.Equal([(1, "Committed")], await SyncAsync("later"));
        await using var next = await NewChain().OpenAsync("later");
        var restored = new TrackedArray(TestChain.Elements);
        await next.Track(restored).ResumeAsync();
        Assert.Equal(TrackedArray.At(51, TestChain.Elements), restored.Content);
    }

    [Fact]
    public async Task What_cannot_be_committed_goes_once_a_later_step_of_its_process_is_and_somebody_is_told()
    {
        await KeepAllAsync("holed", (1, 20), (2, 21));
        foreach (var chunk in SpoolRecord.Decode(await File.ReadAllBytesAsync(Saves("holed").Order().First())).At(SpooledSave.Placeholder).Chunks)
            File.Delete(Path.Combine(Folder, "holed", "bucket", BucketLayout.Chunk(chunk).Path));
        var chain = NewChain();
        await using (await chain.OpenAsync("holed"))
            Assert.True(chain.Log.Contains("Step 2 of the same process is committed, so that it was removed."));
        Assert.Equal([2], await CommittedAsync("holed"));
        Assert.Empty(Saves("holed"));
    }

    [Fact]
    public async Task A_bucket_is_known_by_its_identity_however_its_place_is_spelled()
    {
        await KeepAllAsync("spelled", (1, 30));
        await ChangeAsync("spelled", save => save with { Home = "s3://by-another-name" });
        Assert.Equal([(1, "Committed")], await SyncAsync("spelled"));
    }

    [Fact]
    public async Task Another_bucket_in_the_same_place_is_another_one()
    {
        await KeepAllAsync("moved", (1, 40));
        await ChangeAsync("moved", save => save with { Bucket = "b1f5e1a0-0000-4000-8000-000000000000" });
        var left = Assert.Single(await NewChain().Chain().SyncAsync("moved"));
        Assert.Contains("it was to be stored in the bucket b1f5e1a0-0000-4000-8000-000000000000", left.Reason);
        Assert.Single(Saves("moved"));
    }

    [Fact]
    public async Task What_was_kept_on_a_branch_that_the_program_has_left_does_not_follow_the_new_one()
    {
        await using (var run = await NewChain().OpenAsync("left"))
        {
            var model = new TrackedArray(TestChain.Elements);
            await run.Track(model).ResumeAsync();
            await TestChain.StepAsync(run, model, 1);
            await TestChain.StepAsync(run, model, 2);
            await KeepAsync(run, model, 30);
            Cluster.Store.Unwritable = null;
            var first = (await Cluster.EventsAsync("left")).First(e => e.Kind == RunEventKind.Committed);
            var view = await NewChain().NewCoordinator().GetAsync(new SnapshotId(RunId.Parse("left"), first.Sequence!.Value), CancellationToken.None);
            await run.ContinueFromAsync(view!.Link!, "it diverged");
            await TestChain.StepAsync(run, model, 3);
        }

        Assert.Equal([(30, "Left")], await SyncAsync("left"));
        Assert.Equal([1, 2, 3], await CommittedAsync("left"));
    }

    /// <summary>Keeps saves of these steps with this content, as one process.</summary>
    private async Task KeepAllAsync(string name, params (long Step, long Content)[] saves)
    {
        await BucketIdentity.EnsureAsync(Cluster.Store, TimeProvider.System, CancellationToken.None);
        await using var run = await NewChain().OpenAsync(name);
        var model = new TrackedArray(TestChain.Elements);
        await run.Track(model).ResumeAsync();
        foreach (var (step, content) in saves)
            await KeepOneAsync(run, model, step, content);
        Cluster.Store.Unwritable = null;
    }

    private async Task ChangeAsync(string run, Func<SpooledSave, SpooledSave> change)
    {
        var file = Assert.Single(Saves(run));
        await File.WriteAllBytesAsync(file, SpoolRecord.Encode(change(SpoolRecord.Decode(await File.ReadAllBytesAsync(file)))));
    }

    private async Task<IEnumerable<(int Step, string Outcome)>> SyncAsync(string run) =>
        (await NewChain().Chain().SyncAsync(run)).Select(s => ((int)s.Step, $"{s.Outcome}"));

    private async Task<IEnumerable<long>> CommittedAsync(string run) =>
        (await Cluster.EventsAsync(run)).Where(e => e.Kind == RunEventKind.Committed).Select(e => e.Step!.Value);
}
