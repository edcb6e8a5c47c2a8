using System.Diagnostics;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Testing;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

/// <summary>What is begun and not brought to its end claims nothing: no snapshot, no lease, no wait.</summary>
public sealed class ClaimTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>, IDisposable
{
    private readonly TestChain _chain = new(cluster);

    public void Dispose() => cluster.Store.Held = null;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_save_that_fails_after_it_was_begun_holds_up_nobody(bool isExpected)
    {
        var name = $"half-{isExpected}".ToLowerInvariant();
        var isFirst = true;
        await using var run = await _chain.OpenAsync(name, h => h.OnComplete = next =>
        {
            if (!isFirst)
                return next();
            isFirst = false;
            throw isExpected ? new InvalidInputException("no such shard") : new InvalidOperationException("a bug");
        });
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        var failed = await run.SaveAsync(new TrainingProgress(1, 0, 1));
        await Assert.ThrowsAnyAsync<Exception>(() => failed.Committed.WaitAsync(Soon));
        await StepAsync(run, model, 2);
        var aborted = (await cluster.EventsAsync(name)).Single(e => e.Kind == RunEventKind.Aborted);
        Assert.Contains("gave it up", aborted.Detail);
    }

    [Fact]
    public async Task An_open_that_is_cancelled_when_its_answer_is_on_the_way_leaves_no_lease()
    {
        using var cancel = new CancellationTokenSource();
        var granted = new TaskCompletionSource();
        var opening = _chain.Chain(Hooked(async next =>
        {
            var reply = await next();
            granted.TrySetResult();
            await cancel.CancelAsync();
            return reply;
        })).OpenRunAsync("interrupted", cancel.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
        await granted.Task;
        await using var next = await new TestChain(cluster).OpenAsync("interrupted"); // it would be refused
        Assert.NotNull(next.Token);
    }

    [Fact]
    public async Task A_store_that_hangs_costs_one_wait_until_something_moves()
    {
        _chain.Save.MaxWait = TimeSpan.FromSeconds(2);
        await using var run = await _chain.OpenAsync("hanging");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        await StepAsync(run, model, 801);
        var hanging = new TaskCompletionSource();
        cluster.Store.Held = hanging.Task;
        var stalls = new List<TimeSpan>();
        for (var step = 802; step < 808; step++)
        {
            model.Train(step);
            var begin = Stopwatch.GetTimestamp();
            await run.SaveAsync(new TrainingProgress(step, 0, 1));
            stalls.Add(Stopwatch.GetElapsedTime(begin));
        }

        Assert.Single(stalls, s => s >= TimeSpan.FromSeconds(1));
        Assert.Equal(5, run.SkippedSaves);
        cluster.Store.Held = null;
        hanging.SetResult();
        using var deadline = new CancellationTokenSource(Soon);
        for (var step = 808; ; step++)
        {
            deadline.Token.ThrowIfCancellationRequested();
            var save = await run.SaveAsync(new TrainingProgress(step, 0, 1));
            if (await save.Outcome == SaveOutcome.Committed)
                break; // it has moved
        }
    }

    [Fact]
    public async Task A_run_that_is_open_here_already_says_that_it_is_this_process()
    {
        await using var run = await _chain.OpenAsync("here");
        var error = await Assert.ThrowsAsync<ConflictException>(() => _chain.OpenAsync("here"));
        Assert.Contains("in this very process", error.Message);
    }

    [Fact]
    public async Task A_zombie_is_gone_and_so_is_a_process_whose_number_another_one_has()
    {
        // The shell's child has ended; what the shell has become never waits for it.
        using var parent = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "sleep 0.1 & echo $!; exec sleep 60"]) { RedirectStandardOutput = true })!;
        try
        {
            var zombie = int.Parse((await parent.StandardOutput.ReadLineAsync())!);
            while (ProcessStat.Read(zombie) is { HasEnded: false })
                await Task.Delay(20);
            Assert.True(ThisProcess.IsGone(ThisProcess.Identity with { ProcessId = zombie, Space = PlaceOf(ThisProcess.Identity) }));
            Assert.False(ThisProcess.IsGone(ThisProcess.Identity with { ProcessId = parent.Id, Space = PlaceOf(ThisProcess.Identity) }));
            Assert.True(ThisProcess.IsGone(ThisProcess.Identity with { ProcessId = parent.Id })); // it was started at another time than we were
            Assert.False(ThisProcess.IsGone(ThisProcess.Identity));
            Assert.False(ThisProcess.IsGone(ThisProcess.Identity with { Space = $"another-boot/{PlaceOf(ThisProcess.Identity).Split('/')[1]}/1" }));
        }
        finally
        {
            parent.Kill();
        }
    }

    [Fact]
    public void A_process_may_be_called_anything()
    {
        var stat = ProcessStat.Parse("7 (a) Z (b) S 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0 18446744073709551615 0 0 0 0 0");
        Assert.Equal(new ProcessStat('S', 4711), stat);
        Assert.Null(ProcessStat.Parse("7 (sh) S 1"));
    }

    /// <summary>As versions before this one told it.</summary>
    private static string PlaceOf(TrainerIdentity identity) => identity.Space[..identity.Space.LastIndexOf('/')];

    private HookedCoordinator Hooked(Func<Func<Task<OpenReply>>, Task<OpenReply>> onOpen) => new(_chain.NewCoordinator()) { OnOpen = onOpen };
}
