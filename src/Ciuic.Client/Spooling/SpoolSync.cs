using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Client;

/// <summary>
/// Commits what was kept on this machine, in order, as long as nobody has trained the run from elsewhere or rolled it back meanwhile. After
/// each commit the saves of the same process behind it are told that they follow it, and only then its record goes: whatever is interrupted
/// can be repeated.
/// </summary>
internal sealed class SpoolSync(Spool spool, SpooledCommits commits, ICoordinator coordinator, SpoolHome home)
{
    private const int EventPage = 1_000;

    /// <summary>Commits all that may be.</summary>
    /// <exception cref="UnavailableException">Silo or bucket went away; what is left can be synced later.</exception>
    public async Task<IReadOnlyList<SyncedSave>> RunAsync(CancellationToken cancel)
    {
        var results = new List<SyncedSave>();
        var saves = await spool.ListAsync(cancel);
        for (var i = 0; i < saves.Count; i++)
        {
            if (saves[i].Save is not { } save)
            {
                results.Add(new SyncedSave(0, SyncOutcome.Left, null, saves[i].Problem));
                continue;
            }

            var result = await TryCommitAsync(save, cancel);
            results.Add(result);
            if (result.Snapshot is not { } link)
                continue;
            await FollowAsync(saves, i, save, link, cancel);
            await RemoveSupersededAsync(saves, i, results, cancel);
        }

        return results;
    }

    /// <summary>
    /// Those before a committed one of the same process can never be committed behind it: as the process itself would have removed them.
    /// </summary>
    private async Task RemoveSupersededAsync(List<SpoolEntry> saves, int committed, List<SyncedSave> results, CancellationToken cancel)
    {
        var (attempt, step) = (saves[committed].Save!.Attempt, saves[committed].Save!.Plan.Step);
        for (var i = 0; i < committed; i++)
        {
            if (results[i] is not { Outcome: SyncOutcome.Left } left || saves[i].Save is not { } save || save.Attempt != attempt || save.Plan.Step > step)
                continue;
            await spool.RemoveAsync(saves[i].Key, cancel);
            results[i] = left with
            {
                Outcome = SyncOutcome.Discarded,
                Reason = $"{left.Reason.TrimEnd('.')}. Step {step} of the same process is committed, so that it was removed.",
            };
        }
    }

    private async Task<SyncedSave> TryCommitAsync(SpooledSave save, CancellationToken cancel)
    {
        var step = save.Plan.Step;
        try
        {
            var head = commits.Head;
            if (head is not null && await IsCommittedAsync(save, head, cancel))
                return new SyncedSave(step, SyncOutcome.Committed, head, "");
            return await WhyNotAsync(save, head, cancel) is { } reason
                ? new SyncedSave(step, SyncOutcome.Left, null, reason)
                : new SyncedSave(step, SyncOutcome.Committed, await commits.CommitAsync(save, spool.Disk, cancel), "");
        }
        catch (Exception error) when (error is CorruptException or InvalidInputException or ConflictException)
        {
            return new SyncedSave(step, SyncOutcome.Left, null, error.Message); // those behind it may be better
        }
    }

    /// <summary>
    /// Tells those behind a save that they follow it, and removes it. On a full disk there is no room to tell them before it is gone; then a
    /// crash between leaves them behind a base that they were not told of, and they stay.
    /// </summary>
    private async Task FollowAsync(List<SpoolEntry> saves, int committed, SpooledSave save, SnapshotLink link, CancellationToken cancel)
    {
        var behind = Enumerable.Range(committed + 1, saves.Count - committed - 1).Where(i => Follows(saves[i].Save, save)).ToList();
        foreach (var i in behind)
            saves[i] = saves[i] with { Save = saves[i].Save! with { Base = link } };
        try
        {
            await TellAsync();
        }
        catch (UnavailableException)
        {
            await spool.RemoveAsync(saves[committed].Key, cancel);
            await TellAsync();
            return;
        }

        await spool.RemoveAsync(saves[committed].Key, cancel);

        async Task TellAsync()
        {
            foreach (var i in behind)
                await spool.ReplaceAsync(saves[i].Key, saves[i].Save!, cancel);
        }
    }

    private static bool Follows(SpooledSave? save, SpooledSave committed) =>
        save is not null && save.Attempt == committed.Attempt && save.Base == committed.Base && save.Plan.Step >= committed.Plan.Step;

    /// <summary>A sync before this one may have been interrupted after the commit.</summary>
    private async Task<bool> IsCommittedAsync(SpooledSave save, SnapshotLink head, CancellationToken cancel)
    {
        var manifest = await new ManifestReader(home.Store).ReadAsync(new SnapshotId(commits.Run, head.Sequence), head.Manifest, cancel);
        return manifest.WorldSize == 1 && manifest.Shards[0] == ShardDigest.Of(ManifestCodec.Encode(save.At(head.Sequence)));
    }

    private async Task<string?> WhyNotAsync(SpooledSave save, SnapshotLink? head, CancellationToken cancel)
    {
        if (save.At(SpooledSave.Placeholder).Run != commits.Run)
            return $"it is one of run {save.At(SpooledSave.Placeholder).Run}";
        if (save.Plan.Signer != commits.Signer)
            return "its shards were to be signed with another key, or with none: set the same Ciuic:Save:KeyFile";
        if (save.Base is null && home.WhyNot(save) is { } elsewhere)
            return elsewhere;
        var there = head is null ? null : await coordinator.GetAsync(new SnapshotId(commits.Run, head.Sequence), cancel);
        if (!MayFollow(save, head, there))
            return $"it was trained from {Name(save.Base)}, and the run's head is {Name(head)} now: training went on elsewhere";
        return await WasRolledBackAsync(save, cancel) ? "the run was rolled back since" : null;
    }

    /// <summary>
    /// Behind its base, which may be another save of the same step; or behind a later snapshot of its own attempt, of which it never heard.
    /// </summary>
    private static bool MayFollow(SpooledSave save, SnapshotLink? head, SnapshotView? there)
    {
        if (head == save.Base)
            return there is null || there.Order.Plan.Step <= save.Plan.Step;
        return there is not null
            && there.Order.Plan.Step < save.Plan.Step
            && there.Order.Token == save.Token
            && there.Sequence.Value > (save.Base?.Sequence.Value ?? 0);
    }

    /// <summary>Whoever goes back wants to: what was trained before that is not put in front again.</summary>
    private async Task<bool> WasRolledBackAsync(SpooledSave save, CancellationToken cancel)
    {
        var last = (await coordinator.DescribeAsync(commits.Run, cancel))?.LastEvent ?? 0;
        for (; last > 0; last -= EventPage)
        {
            var events = await coordinator.ReadEventsAsync(commits.Run, Math.Max(1, last - EventPage + 1), (int)Math.Min(EventPage, last), cancel);
            foreach (var happened in events.Reverse())
            {
                // Each rollback ends all rights before it: one that is older than the save's own was made before it was trained.
                if (happened.Kind == RunEventKind.RolledBack && (save.Token is not { } token || happened.Token.Value > token.Value))
                    return true;
                if (happened.Kind == RunEventKind.Committed && happened.Sequence == save.Base?.Sequence)
                    return false;
            }
        }

        return false;
    }

    private static string Name(SnapshotLink? link) => link is null ? "scratch" : $"#{link.Sequence}";
}
