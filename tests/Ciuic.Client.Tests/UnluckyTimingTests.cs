using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

/// <summary>Answers that are late, lost or somebody else's, takeovers and restarts at the wrong moment.</summary>
public sealed class UnluckyTimingTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>
{
    private readonly TestChain _chain = new(cluster);

    [Fact]
    public async Task A_run_that_falls_back_does_not_fence_itself()
    {
        await _chain.SaveStepsAsync("slow-rollback", 1, 2, 3);
        await _chain.DamageAsync("slow-rollback", 3);
        await using var run = await _chain.OpenAsync("slow-rollback", h => h.OnRollback = async next =>
        {
            var reply = await next();
            await Task.Delay(11_000); // longer than the time between two renewals
            return reply;
        });
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        Assert.Equal(run.Token, (await cluster.Run("slow-rollback").DescribeAsync())!.Lease!.Token);
        Assert.False(run.IsFenced);
        await StepAsync(run, model, 4);
    }

    [Fact]
    public async Task An_older_attempt_that_falls_back_does_not_roll_a_newer_one_back()
    {
        await _chain.SaveStepsAsync("overtaken", 1, 2, 3);
        await _chain.DamageAsync("overtaken", 3);
        await using var older = await _chain.OpenAsync("overtaken");
        var taker = new TestChain(cluster);
        taker.Client.WhenLeased = WhenLeased.TakeOver;
        await using var newer = await taker.OpenAsync("overtaken");
        var model = new TrackedArray(Elements);
        await newer.Track(model).ResumeAsync();
        await StepAsync(newer, model, 4);
        await Assert.ThrowsAsync<FencedException>(() => older.Track(new TrackedArray(Elements)).ResumeAsync());
        var view = await cluster.QuietAsync("overtaken");
        Assert.Equal(4, view.HeadStep);
        Assert.Equal(newer.Token, view.Lease!.Token);
        Assert.True(older.IsFenced);
        await StepAsync(newer, model, 5);
    }

    [Fact]
    public async Task A_cancellation_that_happened_in_a_silo_does_not_end_the_saving()
    {
        await using var run = await _chain.OpenAsync(
            "cancelled-there", h => h.OnBegin = Once<BeginReply>(new TaskCanceledException("of the silo")));
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        var save = await run.SaveAsync(new TrainingProgress(1, 0, 1));
        await Assert.ThrowsAnyAsync<Exception>(() => save.Committed.WaitAsync(Soon));
        await StepAsync(run, model, 2);
    }

    [Fact]
    public async Task One_lost_answer_at_the_start_does_not_make_a_run_without_a_silo()
    {
        await _chain.SaveStepsAsync("lost-open", 1);
        await using var run = await _chain.OpenAsync(
            "lost-open", h => h.OnOpen = Once<OpenReply>(new UnavailableException("one time-out while silos fail over")));
        var model = new TrackedArray(Elements);
        var report = await run.Track(model).ResumeAsync();
        Assert.False(report.WithoutSilo);
        await StepAsync(run, model, 2);
    }

    [Fact]
    public async Task What_the_attempt_before_committed_late_does_not_end_the_saving_of_the_next_one()
    {
        await _chain.SaveStepsAsync("late-commit", 1);
        // The attempt before: its next snapshot is uploaded, not committed; then it dies.
        var open = await cluster.Run("late-commit").OpenAsync(CiuicCluster.Open());
        var first = await cluster.SaveAsync("late-commit", open.Lease.Token, 2);
        await cluster.QuietAsync("late-commit");
        var begun = await cluster.Run("late-commit").BeginSnapshotAsync(open.Lease.Token, CiuicCluster.Plan(3));
        var shard = await cluster.StoreShardAsync("late-commit", begun.Sequence!.Value, 0, 2);
        _chain.Client.WhenLeased = WhenLeased.TakeOver;
        _chain.Connection.Cut();
        await using var run = await _chain.OpenAsync("late-commit");
        var model = new SilentModel();
        var report = await run.Track(model).ResumeAsync();
        Assert.Equal(first.Sequence, report.From!.Sequence);
        await cluster.Snapshot("late-commit", begun.Sequence.Value).CompleteShardAsync(open.Lease.Token, new Rank(0), shard);
        await cluster.SettledAsync("late-commit", begun.Sequence.Value);
        _chain.Connection.Mend();
        var save = await run.SaveAsync(new TrainingProgress(3, 0, 3));
        await save.Committed.WaitAsync(Soon);
        var view = await cluster.QuietAsync("late-commit");
        Assert.Equal((3L, 4L), (view.HeadStep!.Value, view.Committed)); // the late one is kept, on a branch of its own
        Assert.Contains(await cluster.EventsAsync("late-commit"), e => e.Kind == RunEventKind.RolledBack && e.Detail!.Contains("without a silo"));
    }

    /// <summary>Takes whatever was saved.</summary>
    private sealed class SilentModel : ITrackedState
    {
        public string Item => "model";

        public ItemState Capture() => new(Item, [ArrayTensor.Random("t", Elements, 9)], [], []);

        public IReadOnlyList<string> Compare(SavedItem saved) => [];

        public IReadOnlyList<SkippedPart> Restore(SavedItem saved) => [];
    }

    [Fact]
    public async Task A_waiting_trainer_goes_on_waiting_when_a_silo_restarts()
    {
        await using var holder = await _chain.OpenAsync("waiting");
        var waiter = new TestChain(cluster);
        waiter.Client.WhenLeased = WhenLeased.Wait;
        var calls = 0;
        var opening = waiter.OpenAsync(
            "waiting", h => h.OnOpen = next => ++calls == 2 ? throw new UnavailableException("the silo restarts") : next());
        Assert.NotSame(opening, await Task.WhenAny(opening, Task.Delay(3_000)));
        Assert.True(calls > 2);
        await holder.DisposeAsync();
        await using var run = await opening.WaitAsync(Soon);
        Assert.NotNull(run.Token);
    }

    [Fact]
    public async Task Whoever_cannot_save_gives_the_run_back_and_says_so_once()
    {
        await _chain.SaveStepsAsync("behind", 1);
        _chain.Client.ConnectPatience = TimeSpan.FromMilliseconds(100);
        _chain.Connection.Cut();
        await using var late = await _chain.OpenAsync("behind");
        var model = new TrackedArray(Elements);
        _chain.Client.Resume = ResumePolicy.Auto;
        await late.Track(model).ResumeAsync(); // from the bucket
        await _chain.SaveStepsAsync("behind", 2); // another one goes on meanwhile
        _chain.Connection.Mend();
        model.Train(7);
        for (var step = 7; step < 10; step++)
        {
            var save = await late.SaveAsync(new TrainingProgress(step, 0, 1));
            await Assert.ThrowsAsync<ConflictException>(() => save.Committed.WaitAsync(Soon));
        }

        Assert.True(_chain.Log.Contains("NOTHING OF THIS PROCESS WILL BE SAVED"));
        Assert.False((await cluster.Run("behind").DescribeAsync())!.LeaseIsLive);
        await _chain.SaveStepsAsync("behind", 3);
    }

    [Theory]
    [InlineData(SaveStage.Staged)]
    [InlineData(SaveStage.Uploading)]
    [InlineData(SaveStage.Failed)]
    [InlineData(SaveStage.Committed)]
    public async Task A_listener_that_throws_changes_nothing(SaveStage stage)
    {
        var name = $"listener-{stage}";
        await using var run = await _chain.OpenAsync(name, h =>
        {
            if (stage == SaveStage.Failed)
                h.OnBegin = Once<BeginReply>(new ConflictException("once"));
        });
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        run.OnSaveProgress += p =>
        {
            if (p.Stage == stage)
                throw new InvalidOperationException("a bug in the listener");
        };
        if (stage == SaveStage.Failed)
            await Assert.ThrowsAsync<ConflictException>(async () => await (await run.SaveAsync(new TrainingProgress(1, 0, 1))).Committed.WaitAsync(Soon));
        await StepAsync(run, model, 2);
        Assert.False(_chain.Log.Contains("save of step 2 failed"));
        for (var i = 0; i < 500 && !_chain.Log.Contains("a bug in the listener"); i++)
            await Task.Delay(10); // the handle is told first
        Assert.True(_chain.Log.Contains("a bug in the listener"));
    }

    [Fact]
    public async Task Damage_is_healed_even_when_saves_overlap()
    {
        _chain.Save.ChunkBytes = 64 << 10;
        await using var run = await _chain.OpenAsync("overlap");
        var frozen = new byte[200_000];
        new Random(5).NextBytes(frozen);
        var model = new TrackedArray(Elements);
        await run.Track(model).TrackBytes("frozen", () => frozen, _ => { }).ResumeAsync();
        await StepAsync(run, model, 1);
        await _chain.DamageAsync("overlap", 1, chunk: 2);
        var saves = new Dictionary<long, SaveHandle>();
        run.OnSaveProgress += p =>
        {
            // An upload ends only after the save before it was refused.
            SaveHandle? before;
            lock (saves)
                saves.TryGetValue(p.Step - 1, out before);
            if (p.Stage == SaveStage.Uploading && p.DoneChunks == p.TotalChunks && before is not null)
                ((IAsyncResult)before.Committed).AsyncWaitHandle.WaitOne(10_000);
        };
        SaveHandle? last = null;
        for (var step = 2; step < 7; step++)
        {
            model.Train(step);
            last = await run.SaveAsync(new TrainingProgress(step, 0, step));
            lock (saves)
                saves[step] = last;
        }

        await last!.Committed.WaitAsync(Soon);
    }

    [Fact]
    public async Task The_same_step_again_is_another_snapshot_whatever_the_run_was_told()
    {
        for (var fault = 0; fault < 24; fault++)
        {
            await using var run = await new TestChain(cluster).OpenAsync($"again-{fault}");
            var model = new TrackedArray(Elements);
            await run.Track(model).ResumeAsync();
            cluster.Storage.Arm(fault, Fault.FailsBefore);
            model.Train(1);
            var first = await run.SaveAsync(new TrainingProgress(1, 0, 1));
            model.Train(2);
            var second = await run.SaveAsync(
                new TrainingProgress(1, 0, 1), labels: new Dictionary<string, string> { ["epoch"] = "end" });
            await first.Committed.WaitAsync(Soon);
            await second.Committed.WaitAsync(Soon);
        }

        cluster.Storage.Arm(-1, Fault.FailsBefore);
    }

    [Fact]
    public async Task A_silo_that_goes_away_between_opening_and_resuming_stops_nothing()
    {
        await _chain.SaveStepsAsync("gone-between", 1, 2);
        await cluster.PublishAsync();
        await _chain.DamageAsync("gone-between", 2);
        await using var run = await _chain.OpenAsync("gone-between");
        _chain.Connection.Cut();
        var model = new TrackedArray(Elements);
        Assert.Equal(1, (await run.Track(model).ResumeAsync()).Progress.Step);
        Assert.Equal(TrackedArray.At(1, Elements), model.Content);
        _chain.Connection.Mend();
        await StepAsync(run, model, 5); // other bytes than the damaged head's: the same would heal it
        Assert.Equal(5, (await cluster.QuietAsync("gone-between")).HeadStep);
    }

    [Fact]
    public async Task A_silo_that_goes_away_before_the_rollback_stops_nothing()
    {
        await _chain.SaveStepsAsync("gone-before", 1, 2);
        await _chain.DamageAsync("gone-before", 2);
        var isAway = true;
        await using var run = await _chain.OpenAsync(
            "gone-before", h => h.OnRollback = next => isAway ? throw new UnavailableException("gone") : next());
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        Assert.Equal(TrackedArray.At(1, Elements), model.Content);
        isAway = false;
        await StepAsync(run, model, 5);
        var events = await cluster.EventsAsync("gone-before");
        Assert.Contains(events, e => e.Kind == RunEventKind.RolledBack);
    }

    [Fact]
    public async Task Finishing_waits_for_saves_on_their_way_when_the_last_one_was_skipped()
    {
        _chain.Save.MaxWait = TimeSpan.FromMilliseconds(100);
        using var gate = new ManualResetEventSlim();
        var run = await _chain.OpenAsync("finish");
        await run.Track(new TrackedArray(Elements)).ResumeAsync();
        run.OnSaveProgress += p =>
        {
            if (p is { Stage: SaveStage.Uploading, Step: 1 })
                gate.Wait(1_000);
        };
        var first = await run.SaveAsync(new TrainingProgress(1, 0, 1));
        var skipped = await run.SaveAsync(new TrainingProgress(2, 0, 2));
        await Assert.ThrowsAsync<UnavailableException>(() => run.FinishAsync());
        Assert.True(skipped.Committed.IsFaulted);
        Assert.Equal(1, run.SkippedSaves);
        await run.DisposeAsync();
        await first.Committed.WaitAsync(Soon);
    }

    [Fact]
    public async Task What_no_block_commits_is_not_restored_whatever_the_database_says()
    {
        await _chain.SaveStepsAsync("forged", 1, 2);
        var position = (await cluster.Snapshot("forged", new Sequence(1)).GetAsync())!.Position;
        await using var run = await _chain.OpenAsync("forged", h => h.OnGet = view =>
            view!.Sequence.Value == 2 ? view with { Position = position } : view); // not the block that commits it
        // It is no damage of the snapshot, and nothing to go back from: somebody must look at database and ledger.
        var error = await Assert.ThrowsAsync<CorruptException>(() => run.Track(new TrackedArray(Elements)).ResumeAsync());
        Assert.Contains("says something else than the ledger", error.Message);
        Assert.DoesNotContain(await cluster.EventsAsync("forged"), e => e.Kind == RunEventKind.RolledBack);
    }

    /// <summary>The first call fails, all others are passed on.</summary>
    private static Func<Func<Task<T>>, Task<T>> Once<T>(Exception error)
    {
        var isFirst = true;
        return next =>
        {
            if (!isFirst)
                return next();
            isFirst = false;
            throw error;
        };
    }
}
