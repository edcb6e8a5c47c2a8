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

    private IGrainTimer? _timer;

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
            while (time.GetUtcNow() >= Scrub.NextAt && await TryReadNextAsync())
                logger.Scrubbed(Shelf, Scrub.Done.Snapshots);
        }
        catch (Exception error)
        {
            logger.NotScrubbed(Shelf, error.Message); // the next look comes back to it
        }
    }

    /// <returns>False at the end of a round.</returns>
    private async Task<bool> TryReadNextAsync()
    {
        var runs = await GrainFactory.GetGrain<ICatalogueGrain>(Shelf).ListAsync();
        if (await FindNextAsync(runs) is not var (run, number, snapshot))
        {
            var isRound = Scrub.Run is not null;
            var done = Scrub.Done with { Rounds = Scrub.Done.Rounds + (isRound ? 1 : 0) };
            await this.SaveAsync(state, new ScrubState { NextAt = isRound ? time.GetUtcNow() : time.GetUtcNow() + Idle, Done = done });
            return false;
        }

        var verdict = await ReadAsync(snapshot);
        if (verdict.Complaint is { } complaint)
        {
            logger.Damaged(new SnapshotId(snapshot.Run, snapshot.Sequence), complaint);
            await GrainFactory.GetGrain<IRunGrain>(run.Value).OnDamagedAsync(snapshot, complaint);
        }

        await this.SaveAsync(state, await AfterAsync(runs, run, number, snapshot, verdict));
        return true;
    }

    /// <summary>The next committed snapshot behind where the scrub is; null at the end of a round.</summary>
    private async Task<(RunId Run, long Number, SnapshotView Snapshot)?> FindNextAsync(RunId[] runs)
    {
        foreach (var run in runs.Where(r => Scrub.Run is not { } at || string.CompareOrdinal(r.Value, at.Value) >= 0))
        {
            var from = run == Scrub.Run ? Scrub.Event + 1 : 1;
            while (await GrainFactory.GetGrain<IRunGrain>(run.Value).ReadEventsAsync(from, EventPage) is { Length: > 0 } page)
            {
                foreach (var happened in page.Where(e => e is { Kind: RunEventKind.Committed, Sequence: not null }))
                {
                    var id = new SnapshotId(run, happened.Sequence!.Value);
                    if (await GrainFactory.GetGrain<ISnapshotGrain>(id.ToString()).GetAsync() is { Link: not null } snapshot)
                        return (run, happened.Number, snapshot);
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

    private async Task<ScrubState> AfterAsync(RunId[] runs, RunId run, long number, SnapshotView snapshot, Verdict verdict)
    {
        var now = time.GetUtcNow();
        var committed = 0L;
        foreach (var other in runs)
            committed += (await GrainFactory.GetGrain<IRunGrain>(other.Value).DescribeAsync())?.Committed ?? 0;
        var share = TimeSpan.FromDays(1 / (options.Value.PerDay * Math.Max(1, committed)));
        var rest = TimeSpan.FromSeconds((double)verdict.Bytes / options.Value.MaxBytesPerSecond);
        var finding = new ScrubFinding($"{snapshot.Run}#{snapshot.Sequence}", verdict.Complaint ?? "", now);
        return new ScrubState
        {
            Run = run,
            Event = number,
            NextAt = now + (share > rest ? share : rest),
            Done = Scrub.Done with
            {
                Snapshots = Scrub.Done.Snapshots + 1,
                Bytes = Scrub.Done.Bytes + verdict.Bytes,
                LastAt = now,
                Findings = verdict.Complaint is null ? Scrub.Done.Findings : [.. Scrub.Done.Findings.TakeLast(ScrubState.MaxFindings - 1), finding],
            },
        };
    }
}
