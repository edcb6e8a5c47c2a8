using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>
/// Where a scrub goes next: the committed snapshots of a shelf's runs, by the runs' names and histories. What it has read of a history is
/// kept until it is through with it, and how much there is to do is counted now and then, not for each snapshot: to find one snapshot must
/// cost less than to read it.
/// </summary>
internal sealed class ScrubRoute(IGrainFactory grains, int shelf, TimeProvider time)
{
    private const int EventPage = 1_000;

    /// <summary>How long a look at the shelf and its runs counts: each is woken by it, and runs that are not trained shall sleep.</summary>
    private static readonly TimeSpan Counts = TimeSpan.FromHours(1);

    private readonly Queue<ScrubStop> _ahead = [];
    private (long At, RunId[] Runs, long Committed)? _shelf;
    private (RunId Run, long From, long Until)? _goesOn;

    /// <summary>Committed snapshots on the shelf, as they were counted lately.</summary>
    public async Task<long> CountAsync() => (await ShelfAsync()).Committed;

    /// <summary>Begins at the shelf's first run again, as it is by then.</summary>
    public void BeginAgain()
    {
        _ahead.Clear();
        (_shelf, _goesOn) = (null, null);
    }

    /// <summary>The next committed snapshot behind a place; null at the end of the shelf.</summary>
    /// <param name="at">The run that the scrub is at; null at the beginning.</param>
    /// <param name="done">The last event of it that is done with.</param>
    /// <param name="until">The last event that counts, of those that there were when the scrub came to it.</param>
    public async Task<ScrubStop?> NextAsync(RunId? at, long done, long until)
    {
        while (_ahead.TryPeek(out var ahead) && ahead.Run == at && ahead.Event <= done)
            _ahead.Dequeue();
        if (_ahead.TryPeek(out var known))
            return known;
        _goesOn ??= at is { } run ? (run, done + 1, until) : null;
        while (_ahead.Count == 0 && await GoOnAsync())
        {
        }

        return _ahead.TryPeek(out var next) ? next : null;
    }

    /// <returns>False where there is no run behind the last one.</returns>
    private async Task<bool> GoOnAsync()
    {
        if (_goesOn is not { } place || place.From > place.Until)
            return await EnterNextRunAsync(_goesOn?.Run);
        var page = await grains.GetGrain<IRunGrain>(place.Run.Value).ReadEventsAsync(place.From, EventPage);
        foreach (var happened in page.Where(e => e.Number <= place.Until))
        {
            if (happened is { Kind: RunEventKind.Committed, Sequence: { } sequence, Manifest: { } manifest })
                _ahead.Enqueue(new ScrubStop(place.Run, happened.Number, place.Until, sequence, manifest));
        }

        _goesOn = place with { From = page.Length == 0 ? place.Until + 1 : page[^1].Number + 1 };
        return true;
    }

    private async Task<bool> EnterNextRunAsync(RunId? left)
    {
        var runs = (await ShelfAsync()).Runs;
        var next = runs.FirstOrDefault(r => left is not { } run || string.CompareOrdinal(r.Value, run.Value) > 0);
        if (next == default)
            return false;
        var view = await grains.GetGrain<IRunGrain>(next.Value).DescribeAsync();
        _goesOn = (next, 1, view?.LastEvent ?? 0);
        return true;
    }

    private async Task<(RunId[] Runs, long Committed)> ShelfAsync()
    {
        if (_shelf is not { } known || time.GetElapsedTime(known.At) >= Counts)
        {
            var runs = await grains.GetGrain<ICatalogueGrain>(shelf).ListAsync();
            var committed = 0L;
            foreach (var run in runs)
                committed += (await grains.GetGrain<IRunGrain>(run.Value).DescribeAsync())?.Committed ?? 0;
            _shelf = known = (time.GetTimestamp(), runs, committed);
        }

        return (known.Runs, known.Committed);
    }
}

/// <summary>A snapshot that a scrub comes to.</summary>
/// <param name="Run">Its run.</param>
/// <param name="Event">The event by which the run tells of its commit.</param>
/// <param name="Until">The last event of the run when the scrub came to it.</param>
/// <param name="Sequence">Its number.</param>
/// <param name="Manifest">Its identity.</param>
internal sealed record ScrubStop(RunId Run, long Event, long Until, Sequence Sequence, ManifestDigest Manifest)
{
    /// <summary>Its name.</summary>
    public SnapshotId Id => new(Run, Sequence);
}
