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
    Draining draining,
    TimeProvider time,
    ILogger<ScrubGrain> logger) : Grain, IScrubGrain, IRemindable
{
    private const string Reminder = "scrub";

    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Idle = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan MaxShare = TimeSpan.FromDays(1_000);

    /// <summary>
    /// A store that does not answer is not damaged, and is asked again, later each time; after so many tries what cannot be read is
    /// a finding, though no damage, and the scrub goes on behind it.
    /// </summary>
    private const int MaxTries = 6;
    private const string NotRead = "it could not be read";
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(10);

    private IGrainTimer? _timer;
    private DateTimeOffset _notBefore;
    private ScrubRoute? _route;

    private int Shelf => (int)this.GetPrimaryKeyLong();

    private ScrubState Scrub => state.State;

    private ScrubRoute Route => _route ??= new ScrubRoute(GrainFactory, Shelf, time);

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
        if (!await IsDueAsync())
            return false;
        if (await Route.NextAsync(Scrub.Run, Scrub.Event, Scrub.Until) is not { } stop)
        {
            Route.BeginAgain();
            var isRound = Scrub.Run is not null;
            var done = Scrub.Done with { Rounds = Scrub.Done.Rounds + (isRound ? 1 : 0) };
            await this.SaveAsync(state, new ScrubState { NextAt = isRound ? time.GetUtcNow() : time.GetUtcNow() + Idle, Done = done });
            return false;
        }

        if (await TryReadAsync(stop) is not { } verdict)
            return false;
        var next = After(stop, verdict);
        if (verdict.Complaint is { } complaint && !Scrub.Done.Findings.Any(f => f.Snapshot == NameOf(stop) && f.What == complaint))
            await TellAsync(stop, complaint);
        await this.SaveAsync(state, next);
        return true;
    }

    private async Task TellAsync(ScrubStop stop, string complaint)
    {
        logger.Damaged(stop.Id, complaint);
        if (complaint.StartsWith(NotRead, StringComparison.Ordinal))
            return; // a finding, for whoever looks after the store; but nobody has seen that the snapshot is damaged
        if (await GrainFactory.GetGrain<ISnapshotGrain>(stop.Id.ToString()).GetAsync() is { } snapshot)
            await GrainFactory.GetGrain<IRunGrain>(stop.Run.Value).OnDamagedAsync(snapshot, Texts.Cut(complaint));
    }

    /// <summary>
    /// Whether the day's share asks for a snapshot now. Asked again and again: a bucket grows, and settings change, while the scrub
    /// waits.
    /// </summary>
    private async Task<bool> IsDueAsync()
    {
        if (Scrub.Done.LastAt is not { } last || Scrub.Tries > 0)
            return true;
        var days = 1 / (options.Value.PerDay * Math.Max(1, await Route.CountAsync()));
        var due = last + (days < MaxShare.TotalDays ? TimeSpan.FromDays(days) : MaxShare);
        var now = time.GetUtcNow();
        _notBefore = now + Idle < due ? now + Idle : due;
        return now >= due;
    }

    /// <returns>Null where it is to be tried again later.</returns>
    private async Task<Verdict?> TryReadAsync(ScrubStop stop)
    {
        try
        {
            return await ReadAsync(stop);
        }
        catch (Exception error) when (!draining.Token.IsCancellationRequested)
        {
            if (Scrub.Tries + 1 >= MaxTries)
                return new Verdict(0, $"{NotRead} at {MaxTries} tries: {error.Message}");
            logger.NotScrubbed(Shelf, error.Message);
            await this.SaveAsync(state, Scrub with { Tries = Scrub.Tries + 1, NextAt = time.GetUtcNow() + (FirstPause * (1 << Scrub.Tries)) });
            return null;
        }
    }

    private Task<Verdict> ReadAsync(ScrubStop stop)
    {
        // What was read before may be in a silo's memory; it is the store's bytes that are in question.
        var verifiers = new Verifiers(GrainFactory, silos, snapshots.Value, time) { Anew = true };
        return new SnapshotVerification(stop.Id, stop.Manifest, new ManifestReader(store), verifiers, snapshots.Value, time)
            .RunAsync(draining.Token);
    }

    private ScrubState After(ScrubStop stop, Verdict verdict)
    {
        var (now, name) = (time.GetUtcNow(), NameOf(stop));
        // One that is right again is none; one that is damaged still keeps the time it was found.
        var others = Scrub.Done.Findings.Where(f => f.Snapshot != name || (verdict.Complaint is not null && f.What == verdict.Complaint)).ToArray();
        var isNew = verdict.Complaint is not null && !others.Any(f => f.Snapshot == name);
        return new ScrubState
        {
            Run = stop.Run,
            Event = stop.Event,
            Until = stop.Until,
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

    private static string NameOf(ScrubStop stop) => stop.Id.ToString();
}
