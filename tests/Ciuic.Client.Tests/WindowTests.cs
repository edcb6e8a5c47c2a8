using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

/// <summary>States that are larger than the staging memory: 80,000 bytes of model in parts of 32 KiB.</summary>
public sealed class WindowTests : IClassFixture<CiuicCluster>
{
    private readonly CiuicCluster _cluster;
    private readonly TestChain _chain;

    public WindowTests(CiuicCluster cluster)
    {
        (_cluster, _chain) = (cluster, new TestChain(cluster));
        _chain.Save.ChunkBytes = 16 << 10;
        _chain.Save.MaxStagingBytes = 64 << 10;
    }

    [Fact]
    public async Task A_state_larger_than_staging_memory_is_saved_in_parts_and_comes_back()
    {
        var model = new TrackedArray(Elements);
        await using (var run = await _chain.OpenAsync("parts"))
        {
            await run.Track(model).TrackBytes("note", () => [1, 2, 3], _ => { }).ResumeAsync();
            for (var step = 1; step <= 3; step++)
                await StepAsync(run, model, step);
        }

        Assert.True(_chain.Log.Contains("is saved in parts"));
        var (restored, note) = (new TrackedArray(Elements), Array.Empty<byte>());
        await using var next = await _chain.OpenAsync("parts");
        var report = await next.Track(restored).TrackBytes("note", () => note, n => note = n).ResumeAsync();
        Assert.Equal(3, report.Progress.Step);
        Assert.Equal(TrackedArray.At(3, Elements), restored.Content);
        Assert.Equal([1, 2, 3], note);
    }

    [Fact]
    public async Task A_state_that_outgrows_the_memory_between_two_saves_is_saved_in_parts()
    {
        _chain.Save.MaxStagingBytes = 100_000; // the model alone takes more than half of it
        var (model, more) = (new TrackedArray(Elements), new byte[40_000]);
        await using (var run = await _chain.OpenAsync("outgrown"))
        {
            var extra = Array.Empty<byte>();
            await run.Track(model).TrackBytes("extra", () => extra, e => extra = e).ResumeAsync();
            Assert.False(run.ShouldSave(1));
            await StepAsync(run, model, 3_001);
            new Random(1).NextBytes(more);
            extra = more;
            await StepAsync(run, model, 3_002);
        }

        var (restored, back) = (new TrackedArray(Elements), Array.Empty<byte>());
        await using var next = await _chain.OpenAsync("outgrown");
        await next.Track(restored).TrackBytes("extra", () => back, e => back = e).ResumeAsync();
        Assert.Equal(TrackedArray.At(3_002, Elements), restored.Content);
        Assert.Equal(more, back);
    }

    [Fact]
    public async Task What_was_saved_whole_is_restored_with_little_memory_and_saved_on()
    {
        await new TestChain(_cluster).SaveStepsAsync("whole", 1, 2);
        var model = new TrackedArray(Elements);
        await using var run = await _chain.OpenAsync("whole");
        Assert.Equal(2, (await run.Track(model).ResumeAsync()).Progress.Step);
        Assert.Equal(TrackedArray.At(2, Elements), model.Content);
        await StepAsync(run, model, 3);
    }

    [Fact]
    public async Task Damage_is_found_before_anything_is_changed()
    {
        await new TestChain(_cluster).SaveStepsAsync("damaged-parts", 1);
        await _chain.DamageAsync("damaged-parts", 1);
        var model = new TrackedArray(Elements);
        await using var run = await _chain.OpenAsync("damaged-parts");
        await Assert.ThrowsAsync<CorruptException>(() => run.Track(model).ResumeAsync());
        Assert.Equal(new byte[4 * Elements], model.Content);
    }

    [Fact]
    public async Task A_store_that_stands_still_fails_the_save_and_not_the_training()
    {
        _chain.Save.MaxWait = TimeSpan.FromMilliseconds(200);
        var model = new TrackedArray(Elements);
        await using var run = await _chain.OpenAsync("stands-still");
        await run.Track(model).ResumeAsync();
        var standing = new TaskCompletionSource();
        _cluster.Store.Held = standing.Task;
        model.Train(1_001); // bytes that no other test has stored
        var save = await run.SaveAsync(new TrainingProgress(1, 0, 1));
        var error = await Assert.ThrowsAsync<UnavailableException>(() => save.Committed.WaitAsync(Soon));
        Assert.Contains("training goes on", error.Message);
        _cluster.Store.Held = null;
        standing.SetResult();
        _chain.Save.MaxWait = Soon;
        await StepAsync(run, model, 2);
    }

    [Fact]
    public async Task A_save_that_is_cancelled_between_its_parts_has_failed_and_throws_nothing()
    {
        var model = new TrackedArray(Elements);
        await using var run = await _chain.OpenAsync("cancelled");
        await run.Track(model).ResumeAsync();
        var standing = new TaskCompletionSource();
        _cluster.Store.Held = standing.Task;
        model.Train(4_001);
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        var save = await run.SaveAsync(new TrainingProgress(1, 0, 1), cancel: cancel.Token);
        await Assert.ThrowsAsync<UnavailableException>(() => save.Committed.WaitAsync(Soon));
        _cluster.Store.Held = null;
        standing.SetResult();
        await StepAsync(run, model, 4_002);
    }

    [Fact]
    public async Task A_budget_smaller_than_a_chunk_is_a_clear_error_and_training_goes_on()
    {
        _chain.Save.MaxStagingBytes = 20 << 10;
        var model = new TrackedArray(Elements);
        await using var run = await _chain.OpenAsync("tiny");
        await run.Track(model).ResumeAsync();
        var save = await run.SaveAsync(new TrainingProgress(1, 0, 1));
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => save.Committed.WaitAsync(Soon));
        Assert.Contains("raise Ciuic:Save:MaxStagingBytes", error.Message);
    }

    [Fact]
    public async Task A_store_that_fails_once_costs_a_part_and_not_the_save()
    {
        var model = new TrackedArray(Elements);
        await using var run = await _chain.OpenAsync("part-fails");
        await run.Track(model).ResumeAsync();
        _cluster.Store.Arm(2, Fault.FailsAfter);
        await StepAsync(run, model, 2_001);
        Assert.True(_cluster.Store.Happened);
    }
}
