using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

public sealed class TrainingRunTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>
{
    private readonly TestChain _chain = new(cluster);

    [Fact]
    public async Task What_was_saved_is_what_the_next_process_resumes()
    {
        var model = new TrackedArray(Elements);
        var note = "first";
        await using (var run = await _chain.OpenAsync("plain"))
        {
            run.Track(model).TrackJson("note", () => note, n => note = n);
            Assert.Null((await run.ResumeAsync()).From);
            await StepAsync(run, model, 10);
        }

        (model, note) = (new TrackedArray(Elements), "other");
        await using var next = await _chain.OpenAsync("plain");
        next.Track(model).TrackJson("note", () => note, n => note = n);
        var report = await next.ResumeAsync();
        Assert.Equal(new TrainingProgress(10, 1, 5), report.Progress);
        Assert.Equal(TrackedArray.At(10, Elements), model.Content);
        Assert.Equal("first", note);
        Assert.All(report.Items, i => Assert.Equal(ItemOutcome.Restored, i.Outcome));
    }

    [Fact]
    public async Task A_save_returns_before_its_commit_and_later_changes_do_not_reach_it()
    {
        await using var run = await _chain.OpenAsync("staged");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        model.Train(1);
        var save = await run.SaveAsync(new TrainingProgress(1, 0, 1));
        model.Train(2); // the trainer goes on at once
        await save.Committed.WaitAsync(Soon);
        var restored = new TrackedArray(Elements);
        await run.DisposeAsync();
        await using var next = await _chain.OpenAsync("staged");
        await next.Track(restored).ResumeAsync();
        Assert.Equal(TrackedArray.At(1, Elements), restored.Content);
    }

    [Fact]
    public async Task What_is_tracked_and_not_saved_or_saved_and_not_tracked_is_reported()
    {
        await using (var run = await _chain.OpenAsync("items"))
        {
            var model = new TrackedArray(Elements);
            await run.Track(model).TrackBytes("old", () => [1], _ => { }).ResumeAsync();
            await StepAsync(run, model, 1);
        }

        await using var next = await _chain.OpenAsync("items");
        var report = await next.Track(new TrackedArray(Elements)).TrackBytes("new", () => [1], _ => { }).ResumeAsync();
        Assert.Equal(ItemOutcome.Missing, report.Items.Single(i => i.Item == "new").Outcome);
        Assert.Equal(ItemOutcome.Skipped, report.Items.Single(i => i.Item == "old").Outcome);
        Assert.Contains("missing", report.ToString());
    }

    [Fact]
    public async Task A_model_of_another_shape_is_refused_and_left_alone()
    {
        await _chain.SaveStepsAsync("shape", 1);
        await using var next = await _chain.OpenAsync("shape");
        var other = new TrackedArray(7);
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => next.Track(other).ResumeAsync());
        Assert.Contains("saved 80000 bytes, live 28", error.Message);
        Assert.Equal(new byte[28], other.Content);
    }

    [Fact]
    public async Task An_item_of_JSON_that_does_not_fit_is_a_mismatch_and_the_model_is_left_alone()
    {
        await using (var run = await _chain.OpenAsync("json"))
        {
            var trained = new TrackedArray(Elements);
            await run.Track(trained).TrackJson("note", () => "words", _ => { }).ResumeAsync();
            await StepAsync(run, trained, 1);
        }

        await using var next = await _chain.OpenAsync("json");
        var model = new TrackedArray(Elements);
        next.Track(model).TrackJson("note", () => 0, _ => Assert.Fail("must not be restored"));
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => next.ResumeAsync());
        Assert.Contains("note: the saved JSON is no Int32", error.Message);
        Assert.Equal(new byte[4 * Elements], model.Content);
    }

    [Fact]
    public async Task A_fenced_run_copies_and_stores_nothing_any_more()
    {
        await using var first = await _chain.OpenAsync("fenced");
        var model = new TrackedArray(Elements);
        await first.Track(model).ResumeAsync();
        _chain.Client.WhenLeased = WhenLeased.TakeOver;
        await using var second = await _chain.OpenAsync("fenced");
        var told = await first.SaveAsync(new TrainingProgress(1, 0, 1));
        await Assert.ThrowsAsync<FencedException>(() => told.Committed.WaitAsync(Soon));
        model.Train(2);
        var stages = new List<SaveStage>();
        first.OnSaveProgress += p => stages.Add(p.Stage);
        var refused = await first.SaveAsync(new TrainingProgress(2, 0, 2));
        Assert.True(refused.Committed.IsFaulted);
        await Assert.ThrowsAsync<FencedException>(() => first.FinishAsync());
        Assert.Equal([SaveStage.Failed], stages);
    }

    [Fact]
    public async Task Finishing_waits_for_the_last_save()
    {
        await using var run = await _chain.OpenAsync("finished");
        await run.FinishAsync(); // nothing was saved
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        _chain.Connection.Cut();
        var save = await run.SaveAsync(new TrainingProgress(1, 0, 1));
        var finishing = run.FinishAsync();
        Assert.False(finishing.IsCompleted);
        _chain.Connection.Mend();
        await finishing.WaitAsync(Soon);
        Assert.True(save.Committed.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task A_second_trainer_is_refused_by_name_or_takes_over_and_fences_the_first()
    {
        await using var first = await _chain.OpenAsync("leased");
        var model = new TrackedArray(Elements);
        await first.Track(model).ResumeAsync();
        var refused = await Assert.ThrowsAsync<ConflictException>(() => _chain.OpenAsync("leased"));
        Assert.Contains($"process {Environment.ProcessId}", refused.Message);
        _chain.Client.WhenLeased = WhenLeased.TakeOver;
        await using var second = await _chain.OpenAsync("leased");
        var save = await first.SaveAsync(new TrainingProgress(1, 0, 1));
        await Assert.ThrowsAsync<FencedException>(() => save.Committed.WaitAsync(Soon));
        Assert.True(first.IsFenced);
        Assert.True(_chain.Log.Contains("FENCED"));
        await second.Track(new TrackedArray(Elements)).ResumeAsync();
        var ours = await second.SaveAsync(new TrainingProgress(1, 0, 1));
        await ours.Committed.WaitAsync(Soon);
    }

    [Fact]
    public async Task A_waiting_trainer_gets_the_run_when_it_is_closed()
    {
        var first = await _chain.OpenAsync("waited");
        _chain.Client.WhenLeased = WhenLeased.Wait;
        var second = _chain.OpenAsync("waited");
        Assert.False(second.IsCompleted);
        await first.DisposeAsync();
        await using var run = await second.WaitAsync(Soon);
        Assert.NotNull(run.Token);
    }

    [Fact]
    public async Task A_silo_that_goes_away_stops_nothing_and_every_save_is_committed_when_it_is_back()
    {
        await using var run = await _chain.OpenAsync("away");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        await StepAsync(run, model, 1);
        _chain.Connection.Cut();
        var saves = new List<SaveHandle>();
        for (var step = 2; step <= 5; step++)
        {
            model.Train(step);
            saves.Add(await run.SaveAsync(new TrainingProgress(step, 0, step)));
        }

        Assert.All(saves, s => Assert.False(s.Committed.IsCompleted));
        _chain.Connection.Mend();
        var links = await Task.WhenAll(saves.Select(s => s.Committed.WaitAsync(Soon)));
        Assert.Equal([2L, 3L, 4L, 5L], links.Select(l => l.Sequence.Value));
        Assert.True(_chain.Log.Contains("NOTHING IS COMMITTED"));
    }

    [Fact]
    public async Task A_silo_that_is_away_at_start_is_not_needed_to_resume_or_to_train()
    {
        await _chain.SaveStepsAsync("degraded", 1, 2);
        await cluster.Grains.GetGrain<ILedgerGrain>(TestBucket.Ledger).PublishAsync();
        _chain.Connection.Cut();
        await using var run = await _chain.OpenAsync("degraded");
        var model = new TrackedArray(Elements);
        var report = await run.Track(model).ResumeAsync();
        Assert.True(report.WithoutSilo);
        Assert.Equal(2, report.Progress.Step);
        Assert.Equal(TrackedArray.At(2, Elements), model.Content);
        model.Train(3);
        var save = await run.SaveAsync(new TrainingProgress(3, 0, 3));
        Assert.False(save.Committed.IsCompleted);
        _chain.Connection.Mend();
        Assert.Equal(3, (await save.Committed.WaitAsync(Soon)).Sequence.Value);
    }

    [Fact]
    public async Task What_another_trainer_committed_meanwhile_is_not_hidden_by_a_late_one()
    {
        await _chain.SaveStepsAsync("overtaken", 1);
        var late = new TestChain(cluster);
        late.Connection.Cut();
        await using var run = await late.OpenAsync("overtaken");
        await run.Track(new TrackedArray(Elements)).ResumeAsync();
        await _chain.SaveStepsAsync("overtaken", 2);
        var save = await run.SaveAsync(new TrainingProgress(9, 0, 9));
        late.Connection.Mend();
        var error = await Assert.ThrowsAsync<ConflictException>(() => save.Committed.WaitAsync(Soon));
        Assert.Contains("#2", error.Message);
        Assert.Equal(2, (await cluster.QuietAsync("overtaken")).HeadStep);
    }

    [Fact]
    public async Task When_too_many_saves_wait_the_oldest_gives_way_and_the_next_save_says_so()
    {
        _chain.Save.MaxWaiting = 2;
        await using var run = await _chain.OpenAsync("queue");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        await StepAsync(run, model, 1);
        _chain.Connection.Cut();
        var saves = new List<SaveHandle>();
        for (var step = 2; step <= 7; step++)
        {
            model.Train(step);
            saves.Add(await run.SaveAsync(new TrainingProgress(step, 0, step)));
            await UploadedAsync(run, saves.Count);
        }

        var failed = await Assert.ThrowsAsync<UnavailableException>(() => saves[1].Committed.WaitAsync(Soon));
        Assert.Contains("gave way", failed.Message);
        Assert.Contains(saves, s => s.EarlierErrors.Any(e => e.Message.Contains("gave way")));
        _chain.Connection.Mend();
        await saves[^1].Committed.WaitAsync(Soon);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_damaged_head_is_named_passed_over_and_history_says_so(int damaged)
    {
        var name = $"fallback-{damaged}";
        await _chain.SaveStepsAsync(name, 1, 2, 3);
        for (var sequence = 3; sequence > 3 - damaged; sequence--)
            await _chain.DamageAsync(name, sequence);
        await using var run = await _chain.OpenAsync(name);
        var model = new TrackedArray(Elements);
        var report = await run.Track(model).ResumeAsync();
        Assert.Equal(damaged, report.Damage.Count);
        Assert.Contains("model/t", report.Damage[0]);
        Assert.Equal(3 - damaged, report.Progress.Step);
        Assert.Equal(TrackedArray.At(3 - damaged, Elements), model.Content);
        await StepAsync(run, model, 4);
        var events = await cluster.EventsAsync(name);
        Assert.Contains(events, e => e.Kind == RunEventKind.RolledBack && e.Detail!.Contains("damaged"));
        Assert.Equal(3 - damaged, events.Last(e => e.Kind == RunEventKind.Committed).Parent!.Value.Value);
    }

    [Fact]
    public async Task When_no_snapshot_is_whole_nothing_is_changed_and_nothing_is_overwritten()
    {
        await _chain.SaveStepsAsync("ruin", 1);
        await _chain.DamageAsync("ruin", 1);
        await using var run = await _chain.OpenAsync("ruin");
        var model = new TrackedArray(Elements);
        var error = await Assert.ThrowsAsync<CorruptException>(() => run.Track(model).ResumeAsync());
        Assert.Contains("snapshot #1", error.Message);
        Assert.Equal(new byte[4 * Elements], model.Content);
        Assert.Equal(1, (await cluster.QuietAsync("ruin")).Head!.Sequence.Value);
    }

    [Fact]
    public async Task Resume_policies()
    {
        _chain.Client.Resume = ResumePolicy.Must;
        await using (var empty = await _chain.OpenAsync("policy"))
            await Assert.ThrowsAsync<NotFoundException>(() => empty.Track(new TrackedArray(Elements)).ResumeAsync());
        _chain.Client.Resume = ResumePolicy.Auto;
        await _chain.SaveStepsAsync("policy", 1);
        _chain.Client.Resume = ResumePolicy.Never;
        await using var run = await _chain.OpenAsync("policy");
        var model = new TrackedArray(Elements);
        var report = await run.Track(model).ResumeAsync();
        Assert.Equal(TrainingProgress.Start, report.Progress);
        Assert.Equal(new byte[4 * Elements], model.Content);
        await StepAsync(run, model, 1);
    }

    [Fact]
    public async Task A_store_that_fails_is_retried_and_the_save_arrives()
    {
        await using var run = await _chain.OpenAsync("store");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        cluster.Store.Arm(1, Fault.FailsBefore);
        await StepAsync(run, model, 1);
        Assert.True(cluster.Store.Happened);
    }

    [Fact]
    public async Task A_save_after_verification_found_damage_heals_the_bucket()
    {
        await using var run = await _chain.OpenAsync("healed");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        await StepAsync(run, model, 1);
        await _chain.DamageAsync("healed", 1);
        var again = await run.SaveAsync(new TrainingProgress(2, 0, 2)); // the same bytes: known to be stored
        await Assert.ThrowsAsync<UnavailableException>(() => again.Committed.WaitAsync(Soon));
        var healed = await run.SaveAsync(new TrainingProgress(3, 0, 3));
        Assert.Contains(healed.EarlierErrors, e => e.Message.Contains("damaged"));
        await healed.Committed.WaitAsync(Soon);
        Assert.True(_chain.Log.Contains("were replaced"));
    }

    [Fact]
    public async Task A_state_that_is_sick_is_saved_told_and_labelled()
    {
        _chain.Save.NonFinite = NonFiniteCheck.Tag;
        await using var run = await _chain.OpenAsync("sick");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        BitConverter.GetBytes(float.NaN).CopyTo(model.Content, 400);
        for (var step = 1; step <= 3; step++)
            await (await run.SaveAsync(new TrainingProgress(step, 0, 1))).Committed.WaitAsync(Soon);
        var saved = await cluster.Snapshot("sick", new Sequence(2)).GetAsync();
        Assert.Equal("model/t", saved!.Order.Plan.Labels["non_finite"]);
        Assert.True(_chain.Log.Contains("step 1 holds NaN or infinity in model/t"));
        Assert.True(_chain.Log.Contains("unchanged, to the bit, since snapshot #1 of step 1; step 2 trained nothing of it"));
        Assert.False(_chain.Log.Contains("step 3 trained nothing of it")); // said once
    }

    [Fact]
    public async Task While_a_silo_is_away_snapshots_are_still_small()
    {
        _chain.Save.MaxWaiting = 1;
        _chain.Codec.FullEvery = 100;
        await using var run = await _chain.OpenAsync("small-alone");
        var weights = ArrayTensor.Weights("t", Elements, 1);
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        _chain.Connection.Cut();
        SaveHandle? last = null;
        for (var step = 1; step <= 8; step++)
        {
            weights = weights.Moved(step);
            weights.Content.CopyTo(model.Content, 0);
            last = await run.SaveAsync(new TrainingProgress(step, 0, step)); // the ones before give way
            await Task.Delay(50);
        }

        _chain.Connection.Mend();
        var link = await last!.Committed.WaitAsync(Soon);
        var id = new SnapshotId(RunId.Parse("small-alone"), link.Sequence);
        var shard = ManifestCodec.DecodeShard(await cluster.Memory.GetAsync(BucketLayout.Shard(id, new Rank(0)), CancellationToken.None));
        Assert.Equal(8, new ChunkGraph(shard).FamiliesOf([shard.Chunks[0].Id]).First().Order.Count);
    }

    [Fact]
    public async Task An_item_is_tracked_once_and_has_a_name()
    {
        await using var run = await _chain.OpenAsync("names");
        run.TrackBytes("a", () => [], _ => { });
        Assert.Throws<InvalidInputException>(() => run.TrackBytes("a", () => [], _ => { }));
        Assert.Throws<InvalidInputException>(() => run.TrackBytes("", () => [], _ => { }));
        await Assert.ThrowsAsync<InvalidInputException>(() => _chain.OpenAsync("../x"));
    }

    private static async Task UploadedAsync(TrainingRun run, int saves)
    {
        for (var i = 0; i < 500 && run.WaitingSaves < Math.Min(saves - 1, 2); i++)
            await Task.Delay(10);
    }
}
