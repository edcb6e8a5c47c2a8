using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Client.Tests;

/// <summary>While the bucket is away saves are kept on this machine, and nothing of them is lost or committed in a wrong place.</summary>
public sealed class SpoolTests(CiuicCluster cluster) : SpoolFixture(cluster)
{
    [Fact]
    public async Task What_was_saved_while_the_bucket_was_away_is_what_the_next_start_resumes_from()
    {
        var chain = NewChain();
        await using (var run = await chain.OpenAsync("kept"))
        {
            var model = new TrackedArray(TestChain.Elements);
            await run.Track(model).ResumeAsync();
            await TestChain.StepAsync(run, model, 1);
            await KeepAsync(run, model, 2, 3);
        }

        Cluster.Store.Unwritable = null;
        var next = NewChain();
        await using var again = await next.OpenAsync("kept");
        var restored = new TrackedArray(TestChain.Elements);
        var report = await again.Track(restored).ResumeAsync();
        Assert.Equal(3, report.Progress.Step);
        Assert.Equal(TrackedArray.At(3, TestChain.Elements), restored.Content);
        Assert.True(next.Log.Contains("step 2, which was kept on this machine, is committed now"));
        Assert.Equal([1, 2, 3], (await Cluster.EventsAsync("kept")).Where(e => e.Kind == RunEventKind.Committed).Select(e => e.Step!.Value));
        Assert.Empty(Saves("kept"));
        Assert.Empty(Files("kept", "chunks"));
        await TestChain.StepAsync(again, restored, 4);
        await Cluster.AuditAsync();
    }

    [Fact]
    public async Task When_the_bucket_is_back_the_process_commits_and_what_it_kept_goes()
    {
        var chain = NewChain();
        await using var run = await chain.OpenAsync("back");
        var model = new TrackedArray(TestChain.Elements);
        await run.Track(model).ResumeAsync();
        await KeepAsync(run, model, 1);
        Assert.Single(Saves("back"));
        Cluster.Store.Unwritable = null;
        await TestChain.StepAsync(run, model, 2);
        using var deadline = new CancellationTokenSource(TestChain.Soon);
        while (Saves("back").Length > 0)
            await Task.Delay(20, deadline.Token);
    }

    [Fact]
    public async Task A_bucket_that_is_known_to_be_away_is_not_tried_for_each_save_and_who_is_passed_by_is_told()
    {
        var chain = NewChain();
        await using var run = await chain.OpenAsync("known");
        var model = new TrackedArray(TestChain.Elements);
        await run.Track(model).ResumeAsync();
        await KeepAsync(run, model, 1, 2);
        var tries = Refused;
        await KeepAsync(run, model, 3, 4, 5);
        Assert.Equal(tries, Refused);
        Assert.Equal(5, Saves("known").Length);
    }

    [Fact]
    public async Task Who_was_told_that_a_save_is_kept_is_told_when_a_later_one_is_committed_instead()
    {
        var chain = NewChain();
        await using var run = await chain.OpenAsync("passed");
        var model = new TrackedArray(TestChain.Elements);
        await run.Track(model).ResumeAsync();
        await KeepAsync(run, model, 1);
        Cluster.Store.Unwritable = null;
        await TestChain.StepAsync(run, model, 2);
        using var deadline = new CancellationTokenSource(TestChain.Soon);
        while (!chain.Log.Contains("step 1, which was kept on this machine, is not committed: a later save of this process is, #1 of step 2"))
            await Task.Delay(20, deadline.Token);
    }

    [Fact]
    public async Task A_save_behind_which_somebody_has_trained_stays_until_a_person_decides()
    {
        var chain = NewChain();
        await using (var run = await chain.OpenAsync("elsewhere"))
        {
            var model = new TrackedArray(TestChain.Elements);
            await run.Track(model).ResumeAsync();
            await KeepAsync(run, model, 5);
        }

        Cluster.Store.Unwritable = null;
        await new TestChain(Cluster).SaveStepsAsync("elsewhere", 1, 2); // another machine, without this spool
        var left = Assert.Single(await NewChain().Chain().SyncAsync("elsewhere"));
        Assert.Equal((5L, SyncOutcome.Left), (left.Step, left.Outcome));
        Assert.Contains("from scratch, and the run's head is #2 now", left.Reason);
        Assert.Single(Saves("elsewhere"));
        Assert.Equal(SyncOutcome.Discarded, Assert.Single(await NewChain().Chain().SyncAsync("elsewhere", discard: true)).Outcome);
        Assert.Empty(Saves("elsewhere"));
        Assert.Empty(await NewChain().Chain().SyncAsync("elsewhere"));
        Assert.Empty(await NewChain().Chain().SyncAsync("never"));
    }

    [Fact]
    public async Task A_sync_that_was_interrupted_goes_on_where_it_was()
    {
        var chain = NewChain();
        await using (var run = await chain.OpenAsync("twice"))
        {
            var model = new TrackedArray(TestChain.Elements);
            await run.Track(model).ResumeAsync();
            await KeepAsync(run, model, 1, 2);
        }

        Cluster.Store.Unwritable = null;
        var before = Files("twice", "").ToDictionary(f => f, File.ReadAllBytes);
        File.Delete(Saves("twice").Order().Last());
        Assert.Equal(1, Assert.Single(await NewChain().Chain().SyncAsync("twice")).Step);
        foreach (var (file, bytes) in before)
            await File.WriteAllBytesAsync(file, bytes); // as if it had died after the commit of the first
        var synced = await NewChain().Chain().SyncAsync("twice");
        Assert.Equal([(1, SyncOutcome.Committed), (2, SyncOutcome.Committed)], synced.Select(s => ((int)s.Step, s.Outcome)));
        Assert.Equal([1, 2], (await Cluster.EventsAsync("twice")).Where(e => e.Kind == RunEventKind.Committed).Select(e => e.Step!.Value));
    }

    [Fact]
    public async Task A_run_of_the_same_name_in_another_cluster_is_another_one()
    {
        var chain = NewChain();
        await using (var run = await chain.OpenAsync("namesake"))
        {
            var model = new TrackedArray(TestChain.Elements);
            await run.Track(model).ResumeAsync();
            await KeepAsync(run, model, 1);
        }

        Cluster.Store.Unwritable = null;
        var file = Assert.Single(Saves("namesake"));
        await File.WriteAllBytesAsync(file, SpoolRecord.Encode(SpoolRecord.Decode(await File.ReadAllBytesAsync(file)) with { Home = "s3://elsewhere" }));
        var left = Assert.Single(await NewChain().Chain().SyncAsync("namesake"));
        Assert.Contains("it was to be stored in s3://elsewhere", left.Reason);
    }

    [Fact]
    public async Task The_oldest_give_way_to_the_newest_and_one_that_is_too_large_is_not_kept()
    {
        var chain = NewChain();
        chain.Save.MaxSpoolBytes = 120_000; // one of 80,000 bytes, and some of another
        await using var run = await chain.OpenAsync("full");
        var model = new TrackedArray(TestChain.Elements);
        await run.Track(model).ResumeAsync();
        await KeepAsync(run, model, 1, 2, 3);
        Assert.EndsWith("-3", Saves("full").Order().Last());
        Assert.True(chain.Log.Contains("gave way"));
        Assert.Single(Saves("full"));
        chain.Save.MaxSpoolBytes = 1_000;
        model.Train(4);
        var error = await Assert.ThrowsAsync<UnavailableException>(async () => await (await run.SaveAsync(new TrainingProgress(4, 0, 0))).Committed.WaitAsync(TestChain.Soon));
        Assert.Contains("MaxSpoolBytes", error.Message);
        Assert.Single(Saves("full"));
    }

    [Theory]
    [InlineData(1, false, "the run's head is #1 now")]
    [InlineData(2, true, "rolled back since")]
    public async Task What_a_rollback_has_put_aside_is_not_put_in_front_again(int to, bool others, string reason)
    {
        var name = $"regretted-{to}";
        var chain = NewChain();
        await using (var run = await chain.OpenAsync(name))
        {
            var model = new TrackedArray(TestChain.Elements);
            await run.Track(model).ResumeAsync();
            await TestChain.StepAsync(run, model, 1);
            await TestChain.StepAsync(run, model, 2);
            await KeepAsync(run, model, 3);
        }

        Cluster.Store.Unwritable = null;
        if (others)
            await new TestChain(Cluster).SaveStepsAsync(name, 4);
        await chain.Chain().History.RollbackAsync(RunId.Parse(name), SnapshotRef.Parse($"#{to}"), "it diverged", "me", fenceLiveAttempt: true);
        Assert.Contains(reason, Assert.Single(await NewChain().Chain().SyncAsync(name)).Reason);
    }

    [Fact]
    public async Task What_was_trained_after_a_rollback_is_committed()
    {
        await new TestChain(Cluster).SaveStepsAsync("afterwards", 1, 2);
        var chain = NewChain();
        await chain.Chain().History.RollbackAsync(RunId.Parse("afterwards"), SnapshotRef.Parse("#1"), "it diverged", "me", fenceLiveAttempt: true);
        await using (var run = await chain.OpenAsync("afterwards"))
        {
            var model = new TrackedArray(TestChain.Elements);
            await run.Track(model).ResumeAsync();
            await KeepAsync(run, model, 5);
        }

        Cluster.Store.Unwritable = null;
        Assert.Equal(SyncOutcome.Committed, Assert.Single(await NewChain().Chain().SyncAsync("afterwards")).Outcome);
    }

    [Fact]
    public async Task A_sync_that_comes_to_no_end_commits_nothing_behind_the_training_that_goes_on()
    {
        var chain = NewChain();
        await using (var run = await chain.OpenAsync("endless"))
        {
            var model = new TrackedArray(TestChain.Elements);
            await run.Track(model).ResumeAsync();
            await TestChain.StepAsync(run, model, 1);
            await KeepAsync(run, model, 9);
        }

        Cluster.Store.Unwritable = key => key.Path.StartsWith(BucketLayout.RunsPrefix, StringComparison.Ordinal); // no manifest can be stored
        await using var next = await NewChain().OpenAsync("endless");
        var restored = new TrackedArray(TestChain.Elements);
        Assert.Equal(1, (await next.Track(restored).ResumeAsync()).Progress.Step);
        Cluster.Store.Unwritable = null;
        await TestChain.StepAsync(next, restored, 2);
        Assert.Equal([1, 2], (await Cluster.EventsAsync("endless")).Where(e => e.Kind == RunEventKind.Committed).Select(e => e.Step!.Value));
    }

    [Fact]
    public async Task A_silo_that_is_slow_at_the_next_start_leaves_no_save_behind()
    {
        var chain = NewChain();
        await using (var run = await chain.OpenAsync("slow"))
        {
            var model = new TrackedArray(TestChain.Elements);
            await run.Track(model).ResumeAsync();
            await TestChain.StepAsync(run, model, 1);
            await KeepAsync(run, model, 10, 20, 30);
        }

        Cluster.Store.Unwritable = null;
        var isFirst = true;
        await using var next = await NewChain().OpenAsync("slow", h => h.OnWait = async (wait, cancel) =>
        {
            if (isFirst)
            {
                isFirst = false;
                await Task.Delay(Timeout.Infinite, cancel); // begun, and not heard of again before the patience ends
            }

            return await wait();
        });
        var restored = new TrackedArray(TestChain.Elements);
        Assert.Equal(30, (await next.Track(restored).ResumeAsync()).Progress.Step);
        Assert.Equal([1, 10, 20, 30], (await Cluster.EventsAsync("slow")).Where(e => e.Kind == RunEventKind.Committed).Select(e => e.Step!.Value));
        Assert.Empty(Saves("slow"));
    }

    [Fact]
    public async Task A_spool_that_cannot_be_opened_is_not_said_to_be_in_use()
    {
        Directory.CreateDirectory(Path.Combine(Folder, "odd", "lock")); // a folder in the place of the file
        var error = await Assert.ThrowsAsync<UnavailableException>(() => NewChain().Chain().SyncAsync("odd"));
        Assert.Contains("cannot be opened", error.Message);
    }

    [Fact]
    public async Task Saves_of_two_processes_from_the_same_snapshot_are_not_put_in_one_line()
    {
        for (var process = 1; process <= 2; process++)
        {
            var chain = NewChain();
            await using var run = await chain.OpenAsync("forked");
            var model = new TrackedArray(TestChain.Elements);
            await run.Track(model).ResumeAsync();
            await KeepAsync(run, model, 10 * process, 10 * process + 5);
        }

        Cluster.Store.Unwritable = null;
        var synced = await NewChain().Chain().SyncAsync("forked");
        Assert.Equal([(10, SyncOutcome.Committed), (15, SyncOutcome.Committed), (20, SyncOutcome.Left), (25, SyncOutcome.Left)], synced.Select(s => ((int)s.Step, s.Outcome)));
    }

    [Fact]
    public async Task A_damaged_record_keeps_nobody_from_the_others()
    {
        var chain = NewChain();
        await using (var run = await chain.OpenAsync("scratched"))
        {
            var model = new TrackedArray(TestChain.Elements);
            await run.Track(model).ResumeAsync();
            await KeepAsync(run, model, 1, 2);
        }

        Cluster.Store.Unwritable = null;
        await File.WriteAllTextAsync(Saves("scratched").Order().First(), "{");
        Assert.Equal([SyncOutcome.Left, SyncOutcome.Committed], (await NewChain().Chain().SyncAsync("scratched")).Select(s => s.Outcome));
        Assert.Equal(SyncOutcome.Discarded, Assert.Single(await NewChain().Chain().SyncAsync("scratched", discard: true)).Outcome);
    }

    [Fact]
    public async Task The_spool_of_a_run_that_trains_is_its_own()
    {
        var chain = NewChain();
        await using var run = await chain.OpenAsync("own");
        var model = new TrackedArray(TestChain.Elements);
        await run.Track(model).ResumeAsync();
        await KeepAsync(run, model, 1);
        var error = await Assert.ThrowsAsync<ConflictException>(() => NewChain().Chain().SyncAsync("own"));
        Assert.Contains("in use", error.Message);
    }

    [Fact]
    public void The_bytes_of_a_save_stay_what_they_are()
    {
        var plan = new SnapshotPlan
        {
            Step = 40,
            Epoch = 1,
            NextSample = 3,
            Metrics = new() { ["loss"] = 0.5 },
            Labels = new() { ["a"] = "b" },
            WorldSize = 1,
            Trainer = new TrainerIdentity { Host = "host", ProcessId = 7, Agent = "test", Space = "space" },
        };
        var link = new SnapshotLink { Sequence = new Sequence(3), Manifest = ManifestDigest.Of([1]) };
        var save = new SpooledSave("memory:", new Guid("01940000-0000-7000-8000-000000000001"), plan, link, new FencingToken(7), [1, 2, 3]);
        var bytes = SpoolRecord.Encode(save);
        Golden.Check("spooled-save.json", bytes);
        Golden.Check("uploaded-save.json", SpoolRecord.Encode(save with { InBucket = true }));
        Golden.Check("sent-save.json", SpoolRecord.Encode(save with
        {
            InBucket = true,
            Base = null,
            Bucket = "01940000-0000-7000-8000-000000000002",
            Receipts = new(StringComparer.Ordinal) { ["chunks/aa/aa"] = "cmVjZWlwdA==" },
        }));
        Assert.Equal(bytes, SpoolRecord.Encode(SpoolRecord.Decode(bytes)));
        bytes[^20] ^= 1;
        Assert.Throws<CorruptException>(() => SpoolRecord.Decode(bytes));
    }
}
