using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.Extensions.Logging;
using Orleans.Streams;

namespace Ciuic.Grains;

/// <summary>
/// Takes events from a run's outbox to its history pages (which must have them all) and to the stream (which may
/// lose some). The outbox is stored with the state change itself; a crash only repeats what comes after.
/// </summary>
internal sealed class RunEventFeed(ILogger logger)
{
    private long _flushed;

    /// <summary>The state to store next, without those events that are in the pages by now.</summary>
    public RunState DropFlushed(RunState run) => run.Outbox.Any(e => e.Number <= _flushed)
        ? run with { Outbox = run.Outbox.Where(e => e.Number > _flushed).ToArray() }
        : run;

    /// <summary>Writes events to the pages, then announces them.</summary>
    public async Task FlushAsync(Grain grain, RunState run)
    {
        var fresh = run.Outbox.Where(e => e.Number > _flushed).ToList();
        if (fresh.Count == 0)
            return;
        foreach (var page in fresh.GroupBy(e => PageOf(e.Number)))
            await Page(grain, fresh[0].Run, page.Key).AppendAsync(page.ToArray());
        _flushed = fresh[^1].Number;
        foreach (var happened in fresh)
            await AnnounceAsync(grain, happened);
    }

    /// <summary>Reads events from the pages.</summary>
    public async Task<RunEvent[]> ReadAsync(Grain grain, RunId run, long from, long limit)
    {
        var events = new List<RunEvent>();
        for (var page = PageOf(from); events.Count < limit; page++)
        {
            var found = await Page(grain, run, page).ReadAsync();
            events.AddRange(found.Where(e => e.Number >= from));
            if (found.Length < IHistoryPageGrain.Capacity)
                break;
        }

        return events.Take((int)Math.Max(0, limit)).ToArray();
    }

    private async Task AnnounceAsync(Grain grain, RunEvent happened)
    {
        try
        {
            var stream = StreamId.Create(RunEvent.StreamNamespace, happened.Run.Value);
            await grain.GetStreamProvider(RunEvent.StreamProvider).GetStream<RunEvent>(stream).OnNextAsync(happened);
        }
        catch (Exception error)
        {
            // An announcement may be lost: its number is missing to the listener, who reads it from the pages.
            logger.NotAnnounced(happened.Run, happened.Number, error.Message);
        }
    }

    private static long PageOf(long number) => (number - 1) / IHistoryPageGrain.Capacity;

    private static IHistoryPageGrain Page(Grain grain, RunId run, long page) =>
        ((IGrainFactory)grain.GrainContext.ActivationServices.GetService(typeof(IGrainFactory))!).GetGrain<IHistoryPageGrain>($"{run}/{page}");
}
