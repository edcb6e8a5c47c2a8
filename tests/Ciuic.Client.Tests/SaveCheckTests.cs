using Ciuic.Core;
using Ciuic.Testing;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

/// <summary>What must not be saved is refused where it was asked for.</summary>
public sealed class SaveCheckTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>
{
    private readonly TestChain _chain = new(cluster);

    [Fact]
    public async Task A_forgotten_resume_does_not_make_untrained_weights_the_head()
    {
        await _chain.SaveStepsAsync("forgotten", 60);
        await using var run = await _chain.OpenAsync("forgotten");
        run.Track(new TrackedArray(Elements));
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => run.SaveAsync(new TrainingProgress(1, 0, 0)));
        Assert.Contains("has history (snapshot #1)", error.Message);
        Assert.Contains("Call ResumeAsync first", error.Message);
        await run.ResumeAsync();
        await StepAsync(run, new TrackedArray(Elements), 61);
        Assert.Equal(61, (await cluster.QuietAsync("forgotten")).HeadStep);
    }

    [Fact]
    public async Task Whoever_says_that_he_begins_anew_need_not_resume_and_a_new_run_needs_nothing()
    {
        await using (var first = await _chain.OpenAsync("anew"))
            await StepAsync(first.Track(new TrackedArray(Elements)), new TrackedArray(Elements), 1);
        _chain.Client.Resume = ResumePolicy.Never;
        await using var run = await _chain.OpenAsync("anew");
        await StepAsync(run.Track(new TrackedArray(Elements)), new TrackedArray(Elements), 1);
    }

    [Fact]
    public async Task Steps_that_fall_are_warned_of_and_going_back_is_none()
    {
        await using var run = await _chain.OpenAsync("falls");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        await StepAsync(run, model, 10);
        await run.ResumeAsync();
        await StepAsync(run, model, 11);
        Assert.False(_chain.Log.Contains("steps fall"));
        await StepAsync(run, model, 5);
        Assert.True(_chain.Log.Contains("step 5 is saved after step 11: steps fall"));
    }

    [Fact]
    public async Task Nothing_and_what_no_snapshot_can_hold_is_refused_at_once()
    {
        await using var run = await _chain.OpenAsync("refused");
        await RefusedAsync("tracks nothing");
        run.Track(new TrackedArray(Elements));
        await RefusedAsync("at most 1000", metrics: Enumerable.Range(0, 1_001).ToDictionary(i => $"m{i}", i => (double)i));
        await RefusedAsync("1001 characters", metrics: new() { [new string('m', 1_001)] = 1 });
        await RefusedAsync("0 characters", labels: new() { [""] = "x" });
        await RefusedAsync("'note' is null", labels: new() { ["note"] = null! });
        await RefusedAsync("'note' has 2097152 bytes", labels: new() { ["note"] = new string('x', 2 << 20) });
        await RefusedAsync("bytes together", labels: Enumerable.Range(0, 100).ToDictionary(i => $"l{i}", i => new string('x', 1_000)));
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => run.SaveAsync(new TrainingProgress(-1, 0, 0)));
        Assert.Contains("The step is -1", error.Message);
        await StepAsync(run, new TrackedArray(Elements), 1);

        async Task RefusedAsync(string part, Dictionary<string, double>? metrics = null, Dictionary<string, string>? labels = null)
        {
            var refused = await Assert.ThrowsAsync<InvalidInputException>(() => run.SaveAsync(new TrainingProgress(1, 0, 0), metrics, labels));
            Assert.Contains(part, refused.Message);
        }
    }

    [Fact]
    public async Task The_first_question_to_a_chain_finds_its_silo_by_itself()
    {
        await _chain.SaveStepsAsync("asked", 1);
        _chain.Connection.Cut();
        _chain.Client.ConnectPatience = Soon;
        await using var chain = _chain.Chain();
        var asking = chain.History.DescribeAsync(RunId.Parse("asked"));
        Assert.False(asking.IsCompleted);
        _chain.Connection.Mend();
        Assert.Equal(1, (await asking.WaitAsync(Soon)).HeadStep);
        _chain.Connection.Cut();
        _chain.Client.ConnectPatience = TimeSpan.FromSeconds(1);
        await using var nobody = _chain.Chain();
        await Assert.ThrowsAsync<UnavailableException>(() => nobody.Ledger.DescribeAsync());
    }
}
