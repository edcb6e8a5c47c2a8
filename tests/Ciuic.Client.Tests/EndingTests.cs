using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

/// <summary>The last save of a program is committed, or kept on this machine, however the program ends.</summary>
public sealed class EndingTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        cluster.Store.Held = null;
        cluster.Store.Unwritable = null;
        _folder.Dispose();
    }

    [Fact]
    public async Task Closing_a_run_waits_for_the_save_that_is_on_its_way()
    {
        var chain = NewChain();
        SaveHandle save;
        await using (var run = await chain.OpenAsync("closed"))
        {
            await run.Track(new TrackedArray(Elements)).ResumeAsync();
            save = await run.SaveAsync(new TrainingProgress(1, 0, 1));
        }

        Assert.Equal(SaveOutcome.Committed, await save.Outcome);
        Assert.Equal(1, (await cluster.QuietAsync("closed")).HeadStep);
    }

    [Fact]
    public async Task What_waits_for_a_silo_when_the_run_is_closed_is_committed_by_the_next_start()
    {
        var chain = NewChain();
        chain.Save.FinishDeadline = TimeSpan.FromMilliseconds(200);
        var saves = new List<SaveHandle>();
        await using (var run = await chain.OpenAsync("away"))
        {
            var model = new TrackedArray(Elements);
            await run.Track(model).ResumeAsync();
            await StepAsync(run, model, 1);
            chain.Connection.Cut();
            for (var step = 2; step <= 4; step++)
            {
                model.Train(step);
                saves.Add(await run.SaveAsync(new TrainingProgress(step, 0, step)));
            }
        }

        Assert.All(saves, s => Assert.Equal(SaveOutcome.Spooled, s.Outcome.Result));
        var error = await Assert.ThrowsAsync<UnavailableException>(() => saves[^1].Committed);
        Assert.Contains("is kept in", error.Message);
        await using var next = await NewChain().OpenAsync("away");
        var restored = new TrackedArray(Elements);
        Assert.Equal(4, (await next.Track(restored).ResumeAsync()).Progress.Step);
        Assert.Equal(TrackedArray.At(4, Elements), restored.Content);
        Assert.Equal([1, 2, 3, 4], await CommittedAsync("away"));
        Assert.Empty(Records("away"));
        await StepAsync(next, restored, 5);
        await cluster.AuditAsync();
    }

    [Fact]
    public async Task What_hangs_in_the_store_when_the_run_is_closed_is_kept_too()
    {
        var chain = NewChain();
        chain.Save.FinishDeadline = TimeSpan.FromMilliseconds(200);
        var hanging = new TaskCompletionSource();
        var run = await chain.OpenAsync("hangs");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        model.Train(701);
        cluster.Store.Held = hanging.Task;
        var save = await run.SaveAsync(new TrainingProgress(1, 0, 1));
        var ended = Assert.Single(await run.CloseAsync().WaitAsync(Soon));
        Assert.Equal((1L, SaveOutcome.Spooled), (ended.Step, ended.Outcome));
        Assert.Equal(SaveOutcome.Spooled, await save.Outcome);
        cluster.Store.Held = null;
        hanging.SetResult();
        Assert.Equal(SyncOutcome.Committed, Assert.Single(await NewChain().Chain().SyncAsync("hangs")).Outcome);
    }

    [Fact]
    public async Task A_save_that_waits_for_a_silo_for_long_is_on_the_disk_before_the_process_ends_and_committed_here_all_the_same()
    {
        var chain = NewChain();
        chain.Save.SpoolAfter = TimeSpan.Zero;
        await using var run = await chain.OpenAsync("noted");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        chain.Connection.Cut();
        var save = await run.SaveAsync(new TrainingProgress(1, 0, 1));
        await UntilAsync(() => Records("noted").Length == 1);
        Assert.False(save.Committed.IsCompleted);
        chain.Connection.Mend();
        await save.Committed.WaitAsync(Soon);
        await UntilAsync(() => Records("noted").Length == 0);
    }

    [Fact]
    public async Task Of_two_saves_of_one_step_that_wait_both_are_kept_until_they_are_committed()
    {
        var chain = NewChain();
        (chain.Save.SpoolAfter, chain.Save.FinishDeadline) = (TimeSpan.Zero, TimeSpan.FromMilliseconds(200));
        var begun = 0;
        await using (var run = await chain.OpenAsync(
            "same", h => h.OnBegin = next => ++begun == 1 ? next() : throw new UnavailableException("the silo went away again")))
        {
            var model = new TrackedArray(Elements);
            await run.Track(model).ResumeAsync();
            chain.Connection.Cut();
            for (var save = 1; save <= 2; save++)
            {
                model.Train(60 + save);
                await run.SaveAsync(new TrainingProgress(1, 0, 1));
                await UntilAsync(() => Records("same").Length == save);
            }

            chain.Connection.Mend();
            await UntilAsync(() => Records("same").Length == 1);
        }

        await using var next = await NewChain().OpenAsync("same");
        var restored = new TrackedArray(Elements);
        await next.Track(restored).ResumeAsync();
        Assert.Equal(TrackedArray.At(62, Elements), restored.Content);
        Assert.Equal([1, 1], await CommittedAsync("same"));
    }

    [Fact]
    public async Task A_save_that_gives_way_is_kept_where_there_is_a_place_for_it()
    {
        var chain = NewChain();
        (chain.Save.MaxWaiting, chain.Save.SpoolAfter, chain.Save.FinishDeadline) = (1, TimeSpan.FromHours(1), TimeSpan.Zero);
        await using var run = await chain.OpenAsync("crowded");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        chain.Connection.Cut();
        var saves = new List<SaveHandle>();
        for (var step = 1; step <= 3; step++)
        {
            model.Train(step);
            saves.Add(await run.SaveAsync(new TrainingProgress(step, 0, step)));
            await UntilAsync(() => run.WaitingSaves >= Math.Min(step, 2)); // one is being delivered, one waits
        }

        await saves[1].Outcome.WaitAsync(Soon);
        Assert.Equal(SaveOutcome.Spooled, await saves[1].Outcome);
        chain.Connection.Mend();
    }

    [Fact]
    public async Task Finishing_gives_up_once_nothing_moves_and_does_not_wait_again()
    {
        var chain = NewChain();
        chain.Save.FinishDeadline = TimeSpan.FromSeconds(1);
        await using var run = await chain.OpenAsync("silent");
        await run.Track(new TrackedArray(Elements)).ResumeAsync();
        chain.Connection.Cut();
        await run.SaveAsync(new TrainingProgress(7, 0, 1));
        var error = await Assert.ThrowsAsync<UnavailableException>(() => run.FinishAsync().WaitAsync(Soon));
        Assert.Contains("step 7 is NOT COMMITTED", error.Message);
        Assert.Contains("FinishDeadline", error.Message);
        var ended = Assert.Single(await run.CloseAsync());
        Assert.Equal(SaveOutcome.Spooled, ended.Outcome);
        Assert.Contains(_folder.Path, ended.Detail);
        Assert.True(chain.Log.Contains("1 saves wait"));
    }

    [Fact]
    public async Task A_save_that_another_thread_is_copying_is_waited_for_by_whoever_closes_the_run()
    {
        var run = await NewChain().OpenAsync("copied");
        Task<IReadOnlyList<EndedSave>>? closing = null;
        var model = new InterruptedArray(Elements, () =>
        {
            closing ??= run.CloseAsync();
            Assert.False(closing.Wait(TimeSpan.FromMilliseconds(300))); // it would have freed the memory that is being written
        });
        await run.Track(model).ResumeAsync();
        var save = await run.SaveAsync(new TrainingProgress(1, 0, 1));
        var ended = Assert.Single(await closing!.WaitAsync(Soon));
        Assert.Equal((1L, SaveOutcome.Committed), (ended.Step, ended.Outcome));
        Assert.Equal(SaveOutcome.Committed, await save.Outcome);
        await Assert.ThrowsAsync<InvalidInputException>(() => run.SaveAsync(new TrainingProgress(2, 0, 1)));
    }

    [Fact]
    public async Task A_start_that_syncs_for_the_second_time_hears_SIGTERM()
    {
        var away = NewChain();
        away.Save.FinishDeadline = TimeSpan.Zero;
        await using (var run = await away.OpenAsync("told"))
        {
            await run.Track(new TrackedArray(Elements)).ResumeAsync();
            away.Connection.Cut();
            await run.SaveAsync(new TrainingProgress(1, 0, 1));
        }

        Assert.Single(Records("told"));
        var chain = NewChain();
        chain.Save.OnTerminate = OnTerminate.Save;
        var (hasSynced, isTold) = (false, false);
        var opening = chain.OpenAsync("told", cluster =>
        {
            cluster.OnBegin = _ =>
            {
                hasSynced = true;
                throw new UnavailableException("the silo goes down");
            };
            cluster.OnOpen = async next =>
            {
                if (hasSynced && !isTold)
                {
                    isTold = true;
                    ProcessSignals.Tell("SIGTERM"); // a real one would stop the silos of this process, too
                }

                return await next();
            };
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening.WaitAsync(Soon));
    }

    [Fact]
    public async Task The_last_save_after_SIGTERM_finds_room_although_the_bucket_is_away()
    {
        var chain = NewChain();
        (chain.Save.OnTerminate, chain.Save.TerminateDeadline) = (OnTerminate.Save, TimeSpan.FromSeconds(1));
        var run = await chain.OpenAsync("last");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        cluster.Store.Unwritable = key => !key.Path.StartsWith(BucketLayout.LedgersPrefix, StringComparison.Ordinal);
        model.Train(1);
        var first = await run.SaveAsync(new TrainingProgress(1, 0, 1)); // holds the staging memory: SpoolAfter is an hour
        await UntilAsync(() => chain.Log.Contains("cannot be stored yet"));
        ProcessSignals.Tell("SIGTERM");
        model.Train(2);
        var last = await run.SaveAsync(new TrainingProgress(2, 0, 2));
        await run.CloseAsync(TimeSpan.Zero);
        Assert.Equal((SaveOutcome.Spooled, SaveOutcome.Spooled), (await first.Outcome, await last.Outcome));
        cluster.Store.Unwritable = null;
        Assert.Equal([1, 2], (await NewChain().Chain().SyncAsync("last")).Select(s => s.Step));
    }

    [Fact]
    public async Task A_run_that_is_closed_says_so_to_whoever_uses_it()
    {
        var run = await NewChain().OpenAsync("over");
        await run.Track(new TrackedArray(Elements)).ResumeAsync();
        await run.DisposeAsync();
        await run.DisposeAsync();
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => run.SaveAsync(new TrainingProgress(1, 0, 1)));
        Assert.Contains("Run over is closed", error.Message);
        await Assert.ThrowsAsync<InvalidInputException>(() => run.ResumeAsync());
        Assert.False(run.Stopping.IsCancellationRequested);
    }

    [Fact]
    public async Task Progress_counts_what_is_stored_and_a_kept_save_is_no_failed_one()
    {
        var chain = NewChain();
        chain.Save.FinishDeadline = TimeSpan.Zero;
        var seen = new List<SaveProgress>();
        await using (var run = await chain.OpenAsync("progress"))
        {
            var model = new TrackedArray(Elements);
            await run.Track(model).ResumeAsync();
            run.OnSaveProgress += p =>
            {
                lock (seen)
                    seen.Add(p);
            };
            await StepAsync(run, model, 1);
            chain.Connection.Cut();
            await run.SaveAsync(new TrainingProgress(2, 0, 1));
        }

        var staged = seen.First(p => p.Stage == SaveStage.Staged);
        Assert.Equal((0L, 80_000L, 0, 2), (staged.DoneBytes, staged.TotalBytes, staged.DoneChunks, staged.TotalChunks));
        var committed = seen.Single(p => p.Stage == SaveStage.Committed);
        Assert.Equal((80_000L, 2, 2), (committed.DoneBytes, committed.DoneChunks, committed.TotalChunks));
        Assert.Contains(seen, p => p is { Stage: SaveStage.Spooled, Step: 2 });
        Assert.DoesNotContain(seen, p => p.Stage == SaveStage.Failed);
    }

    [Fact]
    public async Task A_second_resume_goes_on_from_what_was_committed_here_and_history_says_so()
    {
        await using var run = await NewChain().OpenAsync("again");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        await StepAsync(run, model, 1);
        model.Train(2);
        await run.SaveAsync(new TrainingProgress(2, 0, 1)); // on its way
        model.Train(99);
        Assert.Equal(2, (await run.ResumeAsync()).Progress.Step);
        Assert.Equal(TrackedArray.At(2, Elements), model.Content);
        await StepAsync(run, model, 3);
        Assert.Equal(2, (await cluster.EventsAsync("again")).Last(e => e.Kind == RunEventKind.Committed).Parent!.Value.Value);
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        using var deadline = new CancellationTokenSource(Soon);
        while (!holds())
            await Task.Delay(20, deadline.Token);
    }

    private async Task<IEnumerable<long>> CommittedAsync(string run) =>
        (await cluster.EventsAsync(run)).Where(e => e.Kind == RunEventKind.Committed).Select(e => e.Step!.Value);

    private TestChain NewChain()
    {
        var chain = new TestChain(cluster);
        (chain.Save.SpoolDirectory, chain.Save.SpoolAfter, chain.Save.ChunkBytes) = (_folder.Path, TimeSpan.FromHours(1), 64 << 10);
        return chain;
    }

    private string[] Records(string run)
    {
        var saves = Path.Combine(_folder.Path, run, "bucket", "saves");
        return Directory.Exists(saves) ? Directory.GetFiles(saves) : [];
    }
}
