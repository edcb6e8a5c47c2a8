using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Testing;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

/// <summary>Events reach a listener once each and in order, while silos are away and come back.</summary>
public sealed class EventTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>
{
    private readonly TestChain _chain = new(cluster);

    [Fact]
    public async Task A_listener_gets_what_was_and_what_comes_once_each_in_order()
    {
        await _chain.SaveStepsAsync("heard", 1, 2);
        var heard = new List<RunEvent>();
        using var ending = new CancellationTokenSource();
        var listening = ListenAsync(_chain.Chain().Events.FollowAsync(RunId.Parse("heard"), 1, ending.Token), heard);
        await _chain.SaveStepsAsync("heard", 3);
        _chain.Connection.Cut();
        await new TestChain(cluster).SaveStepsAsync("heard", 4);
        _chain.Connection.Mend();
        await UntilAsync(heard, e => e is { Kind: RunEventKind.Committed, Step: 4 });
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => listening);
        Assert.Equal(Enumerable.Range(1, heard.Count).Select(n => (long)n), heard.Select(e => e.Number));
        Assert.Equal([1L, 2, 3, 4], heard.Where(e => e.Kind == RunEventKind.Committed).Select(e => e.Step!.Value));
    }

    [Fact]
    public async Task A_listener_that_was_away_goes_on_from_the_number_that_it_remembers()
    {
        await _chain.SaveStepsAsync("remembered", 1, 2);
        using var ending = new CancellationTokenSource(Soon);
        await foreach (var happened in _chain.Chain().Events.FollowAsync(RunId.Parse("remembered"), 4, ending.Token))
        {
            Assert.Equal(4, happened.Number);
            break;
        }
    }

    [Fact]
    public async Task A_listener_to_all_runs_hears_of_those_that_begin_later()
    {
        await _chain.SaveStepsAsync("all-first", 1);
        var heard = new List<RunEvent>();
        using var ending = new CancellationTokenSource();
        var listening = ListenAsync(_chain.Chain().Events.FollowAllAsync(null, ending.Token), heard);
        await UntilAsync(heard, e => e is { Kind: RunEventKind.Committed } && e.Run.Value == "all-first");
        await _chain.SaveStepsAsync("all-second", 1);
        await UntilAsync(heard, e => e is { Kind: RunEventKind.Closed } && e.Run.Value == "all-second");
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => listening);
        foreach (var run in heard.GroupBy(e => e.Run))
            Assert.Equal(Enumerable.Range(1, run.Count()).Select(n => (long)n), run.Select(e => e.Number));
    }

    [Fact]
    public async Task A_listener_to_all_runs_goes_on_from_what_it_remembers_of_each()
    {
        await _chain.SaveStepsAsync("known", 1);
        await _chain.SaveStepsAsync("unknown", 1);
        var (heard, from) = (new List<RunEvent>(), new Dictionary<RunId, long> { [RunId.Parse("known")] = 3 });
        using var ending = new CancellationTokenSource();
        var listening = ListenAsync(_chain.Chain().Events.FollowAllAsync(from, ending.Token), heard);
        await UntilAsync(heard, e => e is { Kind: RunEventKind.Closed } && e.Run.Value == "known");
        await UntilAsync(heard, e => e is { Kind: RunEventKind.Closed } && e.Run.Value == "unknown");
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => listening);
        Assert.Equal(3, heard.First(e => e.Run.Value == "known").Number);
        Assert.Equal(1, heard.First(e => e.Run.Value == "unknown").Number);
    }

    [Fact]
    public async Task Numbers_that_were_given_anew_are_not_taken_for_others()
    {
        await _chain.SaveStepsAsync("anew", 1);
        var last = (await cluster.QuietAsync("anew")).LastEvent;
        var error = await Assert.ThrowsAsync<CorruptException>(async () =>
        {
            await foreach (var _ in _chain.Chain().Events.FollowAsync(RunId.Parse("anew"), last + 5, new CancellationTokenSource(Soon).Token))
                Assert.Fail("nothing can come");
        });
        Assert.Contains("rebuilt from its ledger", error.Message);
    }

    [Fact]
    public async Task Where_who_waits_is_answered_from_the_past_the_history_is_read_all_the_same()
    {
        await _chain.SaveStepsAsync("past", 1);
        var last = (await cluster.QuietAsync("past")).LastEvent;
        var coordinator = new HookedCoordinator(_chain.NewCoordinator());
        coordinator.OnWaitEvent = (_, _) => 1;
        await foreach (var happened in _chain.Chain(coordinator).Events.FollowAsync(RunId.Parse("past"), last, new CancellationTokenSource(Soon).Token))
        {
            Assert.Equal(last, happened.Number);
            break;
        }
    }

    private static async Task ListenAsync(IAsyncEnumerable<RunEvent> events, List<RunEvent> heard)
    {
        await foreach (var happened in events)
        {
            lock (heard)
                heard.Add(happened);
        }
    }

    private static async Task UntilAsync(List<RunEvent> heard, Func<RunEvent, bool> fits)
    {
        using var deadline = new CancellationTokenSource(Soon);
        while (true)
        {
            lock (heard)
            {
                if (heard.Any(fits))
                    return;
            }

            await Task.Delay(20, deadline.Token);
        }
    }
}
