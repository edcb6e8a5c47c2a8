using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Runtime;

namespace Ciuic.Grains;

/// <summary>
/// Scrubs one shelf: a snapshot, a pause, the next one, by the runs' names and histories, round after round. Where it is is stored
/// after each snapshot; a crash repeats one.
/// </summary>
internal sealed class ScrubGrain(
    [PersistentState("scrub", Persistence.Provider)] IPersistentState<ScrubState> state,
    IObjectStore store,
    IOptions<ScrubOptions> options,
    IOptions<SnapshotOptions> snapshots,
    ISiloStatusOracle silos,
    TimeProvider time,
    ILogger<ScrubGrain> logger) : Grain, IScrubGrain, IRemindable
{
    private const string Reminder = "scrub";
    private const int EventPage = 1_000;

    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Idle = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan MaxShare = TimeSpan.FromDays(1_000);

    /// <summary>
    /// A store that does not answer is not damaged, and is asked again, later each time; after so many tries what cannot be read is
    /// told like damage, and the scrub goes on behind it.
    /// </summary>
    private const int MaxTries = 6;
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(10);

    private IGrainTimer? _timer;
    private DateTimeOffset _notBefore;

    private int Shelf => (int)this.GetPrimaryKeyLong();

    private ScrubState Scrub => state.State;

    public async Task StartAsync()
    {
        if (options.Value.PerDay > 0)
        {
            // Whatever silo dies, the reminder finds another one.
            await this.RegisterOrUpdateReminder(Reminder, ReminderPeriod, ReminderPeriod);
            KeepGoing();
        }
        else if (await this.GetReminder(Reminder) is { } reminder)
        {
            await this.UnregisterReminder(reminder);
        }
    }

    public Task<ScrubView> DescribeAsync() => Task.FromResult(Scrub.Done);

    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        if (options.Value.PerDay > 0)
            KeepGoing();
        return Task.CompletedTask;
    }

    private void KeepGoing() => _timer ??= this.RegisterGrainTimer(
        TryLookAsync, new GrainTimerCreationOptions(TimeSpan.Zero, LookEvery) { Interleave = true, KeepAlive = true });

    private async Task TryLookAsync()
    {
        try
        {
            while (time.GetUtcNow() >= Scrub.NextAt && time.GetUtcNow() >= _notBefore && await TryReadNextAsync())
                logger.Scrubbed(Shelf, Scrub.Done.Snapshots);
        }
        catch (Exception error)
        {
            logger.NotScrubbed(Shelf, error.Message); // the next look comes back to it
        }
    }

    /// <returns>False where nothing is due.</returns>
    private async Task<bool> TryReadNextAsync()
    {
        var runs = await GrainFactory.GetGrain<ICatalogueGrain>(Shelf).ListAsync();
        if (!await IsDueAsync(runs))
            return false;
        if (await FindNextAsync(runs) is not var (place, snapshot))
        {
            var isRound = Scrub.Run is not null;
            var done = Scrub.Done with { Rounds = Scrub.Done.Rounds + (isRound ? 1 : 0) };
            await this.SaveAsync(state, new ScrubState { NextAt = isRound ? time.GetUtcNow() : time.GetUtcNow() + Idle, Done = done });
            return false;
        }

        if (await TryReadAsync(snapshot) is not { } verdict)
            return false;
        var next = After(place, snapshot, verdict);
        if (verdict.Complaint is { } complaint && !Scrub.Done.Findings.Any(f => f.Snapshot == NameOf(snapshot) && f.What == complaint))
        {
            logger.Damaged(new SnapshotId(snapshot.Run, snapshot.Sequence), complaint);
            await GrainFactory.GetGrain<IRunGrain>(place.Run.Value).OnDamagedAsync(snapshot, complaint);
        }

        await this.SaveAsync(state, next);
        return true;
    }

    /// <summary>
    /// Whether the day's share asks for a snapshot now. Asked again and again: a bucket grows, and settings change, while the scrub
    /// waits.
    /// </summary>
    private async Task<bool> IsDueAsync(RunId[] runs)
    {
        if (Scrub.Done.LastAt is not { } last || Scrub.Tries > 0)
            return true;
        var committed = 0L;
        foreach (var run in runs)
            committed += (await GrainFactory.GetGrain<IRunGrain>(run.Value).DescribeAsync())?.Committed ?? 0;
        var days = 1 / (options.Value.PerDay * Math.Max(1, committed));
        var due = last + (days < MaxShare.TotalDays ? TimeSpan.FromDays(days) : MaxShare);
        var now = time.GetUtcNow();
        _notBefore = now + Idle < due ? now + Idle : due;
        return now >= due;
    }

    /// <returns>Null where it is to be tried again later.</returns>
    private async Task<Verdict?> TryReadAsync(SnapshotView snapshot)
    {
        try
        {
            return await ReadAsync(snapshot);
        }
        catch (Exception error)
        {
            if (Scrub.Tries + 1 >= MaxTries)
                return new Verdict(0, $"it could not be read at {MaxTries} tries: {error.Message}");
            logger.NotScrubbed(Shelf, error.Message);
            await this.SaveAsync(state, Scrub with { Tries = Scrub.Tries + 1, NextAt = time.GetUtcNow() + (FirstPause * (1 << Scrub.Tries)) });
            return null;
        }
    }

    /// <summary>The next committed snapshot behind where the scrub is; null at the end of a round.</summary>
    private async Task<(Place Place, SnapshotView Snapshot)?> FindNextAsync(RunId[] runs)
    {
        foreach (var run in runs.Where(r => Scrub.Run is not { } at || string.CompareOrdinal(r.Value, at.Value) >= 0))
        {
            var grain = GrainFactory.GetGrain<IRunGrain>(run.Value);
            var (from, until) = run == Scrub.Run
                ? (Scrub.Event + 1, Scrub.Until)
                : (1, (await grain.DescribeAsync())?.LastEvent ?? 0);
            while (from <= until && await grain.ReadEventsAsync(from, EventPage) is { Length: > 0 } page)
            {
                foreach (var happened in page.Where(e => e.Number <= until && e is { Kind: RunEventKind.Committed, Sequence: not null }))
                {
                    var id = new SnapshotId(run, happened.Sequence!.Value);
                    if (await GrainFactory.GetGrain<ISnapshotGrain>(id.ToString()).GetAsync() is { Link: not null } snapshot)
                        return (new Place(run, happened.Number, until), snapshot);
                }

                from = page[^1].Number + 1;
            }
        }

        return null;
    }

    private async Task<Verdict> ReadAsync(SnapshotView snapshot)
    {
        var manifests = new ManifestReader(store);
        try
        {
            var id = new SnapshotId(snapshot.Run, snapshot.Sequence);
            var manifest = await manifests.ReadAsync(id, snapshot.Manifest!.Value, CancellationToken.None);
            return await new SnapshotVerification(manifests, GrainFactory, silos, snapshots.Value).RunAsync(manifest);
        }
        catch (CorruptException error)
        {
            return new Verdict(0, error.Message);
        }
    }

    private ScrubState After(Place place, SnapshotView snapshot, Verdict verdict)
    {
        var (now, name) = (time.GetUtcNow(), NameOf(snapshot));
        // One that is right again is none; one that is damaged still keeps the time it was found.
        var others = Scrub.Done.Findings.Where(f => f.Snapshot != name || (verdict.Complaint is not null && f.What == verdict.Complaint)).ToArray();
        var isNew = verdict.Complaint is not null && !others.Any(f => f.Snapshot == name);
        return new ScrubState
        {
            Run = place.Run,
            Event = place.Event,
            Until = place.Until,
            NextAt = now + TimeSpan.FromSeconds(Math.Min(MaxShare.TotalSeconds, (double)verdict.Bytes / options.Value.MaxBytesPerSecond)),
            Done = Scrub.Done with
            {
                Snapshots = Scrub.Done.Snapshots + 1,
                Bytes = Scrub.Done.Bytes + verdict.Bytes,
                LastAt = now,
                Findings = isNew ? [.. others.TakeLast(ScrubState.MaxFindings - 1), new ScrubFinding(name, verdict.Complaint!, now)] : others,
            },
        };
    }

    private static string NameOf(SnapshotView snapshot) => $"{snapshot.Run}#{snapshot.Sequence}";

    private readonly record struct Place(RunId Run, long Event, long Until);
}
