using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>
/// A run's events. The newest stand in its outbox, stored with the change that they tell of; from there they go to the history pages,
/// several at a time. A crash only repeats that.
/// </summary>
internal sealed class RunEvents(IGrainFactory grains)
{
    private const int WorthAWrite = 16;

    private long _flushed;

    /// <summary>The state to store next, without those events that are in the pages by now; the newest one stays.</summary>
    public RunState DropFlushed(RunState run) => run.Outbox.Any(IsFlushed)
        ? run with { Outbox = run.Outbox.Where(e => !IsFlushed(e) || e.Number == run.LastEvent).ToArray() }
        : run;

    /// <summary>Writes events to the pages, if there are enough of them.</summary>
    public async Task FlushAsync(RunState run)
    {
        var fresh = run.Outbox.Where(e => !IsFlushed(e)).ToList();
        if (fresh.Count < WorthAWrite)
            return;
        foreach (var page in fresh.GroupBy(e => PageOf(e.Number)))
            await Page(fresh[0].Run, page.Key).AppendAsync(page.ToArray());
        _flushed = fresh[^1].Number;
    }

    /// <summary>Reads events: old ones from the pages, the newest from the outbox.</summary>
    public async Task<RunEvent[]> ReadAsync(RunState run, RunId id, long from, int limit)
    {
        var newest = run.Outbox.FirstOrDefault()?.Number ?? run.LastEvent + 1;
        var events = from < newest ? await ReadPagesAsync(id, from, Math.Min(limit, newest - from)) : [];
        return [.. events.Concat(run.Outbox.Where(e => e.Number >= from)).Take(limit)];
    }

    private async Task<IEnumerable<RunEvent>> ReadPagesAsync(RunId run, long from, long count)
    {
        var events = new List<RunEvent>();
        for (var page = PageOf(from); page <= PageOf(from + count - 1); page++)
            events.AddRange(await Page(run, page).ReadAsync());
        return events.Where(e => e.Number >= from && e.Number < from + count);
    }

    private bool IsFlushed(RunEvent happened) => happened.Number <= _flushed;

    private static long PageOf(long number) => (number - 1) / IHistoryPageGrain.Capacity;

    private IHistoryPageGrain Page(RunId run, long page) => grains.GetGrain<IHistoryPageGrain>($"{run}/{page}");
}
