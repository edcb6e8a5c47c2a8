using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Client;

/// <summary>
/// Commits what was kept on this machine, in order, as long as nobody has trained the run from elsewhere meanwhile. After each commit the
/// saves behind it are told that they follow it, and only then its record goes: whatever is interrupted can be repeated.
/// </summary>
internal sealed class SpoolSync(Spool spool, TrainingRun run, ICoordinator coordinator, IObjectStore store)
{
    /// <summary>Commits all that may be.</summary>
    public async Task<IReadOnlyList<SyncedSave>> RunAsync(CancellationToken cancel)
    {
        var (results, head) = (new List<SyncedSave>(), run.Head);
        await run.ContinueFromHeadAsync(cancel);
        var saves = await spool.ListAsync(cancel);
        for (var i = 0; i < saves.Count; i++)
        {
            var (key, save) = saves[i];
            if (await IsCommittedAsync(save, head, cancel))
            {
                results.Add(new SyncedSave(save.Plan.Step, SyncOutcome.Committed, head, ""));
            }
            else if (await WhyNotAsync(save, head, cancel) is { } reason)
            {
                results.Add(new SyncedSave(save.Plan.Step, SyncOutcome.Left, null, reason));
                continue;
            }
            else
            {
                head = await run.CommitAsync(save, spool.Disk, cancel);
                results.Add(new SyncedSave(save.Plan.Step, SyncOutcome.Committed, head, ""));
            }

            for (var behind = i + 1; behind < saves.Count; behind++)
            {
                saves[behind] = (saves[behind].Key, saves[behind].Save with { Base = head });
                await spool.ReplaceAsync(saves[behind].Key, saves[behind].Save, cancel);
            }

            await spool.RemoveAsync(key, cancel);
        }

        return results;
    }

    /// <summary>A sync before this one may have been interrupted after the commit.</summary>
    private async Task<bool> IsCommittedAsync(SpooledSave save, SnapshotLink? head, CancellationToken cancel)
    {
        if (head is null)
            return false;
        var manifest = await new ManifestReader(store).ReadAsync(new SnapshotId(run.Id, head.Sequence), head.Manifest, cancel);
        return manifest.WorldSize == 1 && manifest.Shards[0] == ShardDigest.Of(ManifestCodec.Encode(save.At(head.Sequence)));
    }

    private async Task<string?> WhyNotAsync(SpooledSave save, SnapshotLink? head, CancellationToken cancel)
    {
        // A digest is of one history only; where there was none yet, the place tells them apart.
        if (save.Base is null && save.Home != store.Location)
            return $"it was to be stored in {save.Home}, and this is {store.Location}";
        if (head == save.Base)
            return null;
        var there = head is null ? null : await coordinator.GetAsync(new SnapshotId(run.Id, head.Sequence), cancel);
        // Later snapshots of the very attempt that made it, of which it never heard, are on its way.
        if (there is not null && there.Order.Token == save.Token && there.Order.Plan.Step < save.Plan.Step)
            return null;
        return $"it was trained from {Name(save.Base)}, and the run's head is {Name(head)} now: training went on elsewhere";
    }

    private static string Name(SnapshotLink? link) => link is null ? "scratch" : $"#{link.Sequence}";
}
