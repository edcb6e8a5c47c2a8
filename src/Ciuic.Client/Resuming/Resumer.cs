using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Finds the newest snapshot of the chain that is whole, checks that it fits, and only then touches the live state.
/// </summary>
internal sealed class Resumer(
    RunId run,
    IObjectStore store,
    ChunkStore chunks,
    StagingBuffers buffers,
    int parallelism,
    IReadOnlyList<ITrackedState> tracked,
    Action<LoadedShard> restored,
    ILogger logger)
{
    public async Task<ResumeReport> ResumeAsync(ChainSource chain, bool withoutSilo, CancellationToken cancel)
    {
        var damage = new List<string>();
        for (var at = chain.Head; at is not null; at = await chain.ParentAsync(at, cancel))
        {
            if (await TryLoadAsync(chain, at, damage, cancel) is not var (manifest, shard))
                continue;
            var items = Restore(shard);
            if (shard is LoadedShard loaded)
                restored(loaded);
            var progress = new TrainingProgress(manifest.Step, manifest.Epoch, manifest.NextSample);
            return new ResumeReport(run, at, progress, items, damage, withoutSilo);
        }

        if (damage.Count > 0)
        {
            throw new CorruptException(
                $"No snapshot of run {run} can be restored whole; nothing was changed. {string.Join(" | ", damage)}");
        }

        var fresh = tracked.Select(t => new ItemReport(t.Item, ItemOutcome.Missing, "no snapshot yet")).ToList();
        return new ResumeReport(run, null, TrainingProgress.Start, fresh, damage, withoutSilo);
    }

    private async Task<(Manifest, ShardContent)?> TryLoadAsync(
        ChainSource chain, SnapshotLink at, List<string> damage, CancellationToken cancel)
    {
        try
        {
            await chain.RequireCommittedAsync(at, cancel);
            var (manifest, shard) = await LoadAsync(at, cancel);
            Compare(ItemsOf(shard)); // may read a little of it
            return (manifest, shard);
        }
        catch (CorruptException error)
        {
            logger.FellBack(run, error.Message);
            damage.Add($"snapshot #{at.Sequence}: {error.Message}");
            return null;
        }
    }

    private async Task<(Manifest, ShardContent)> LoadAsync(SnapshotLink link, CancellationToken cancel)
    {
        var (manifest, shard) = await OnlyShard.ReadAsync(new ManifestReader(store), run, link, cancel);
        var wanted = tracked.Select(t => t.Item).ToHashSet();
        return (manifest, shard.Length > buffers.MaxBytes
            ? await StreamedShard.CheckAsync(chunks, shard, (item, _) => wanted.Contains(item), parallelism, cancel)
            : await LoadedShard.LoadAsync(chunks, shard, (item, _) => wanted.Contains(item), buffers, parallelism, cancel));
    }

    private List<ItemReport> Restore(ShardContent shard)
    {
        var saved = ItemsOf(shard);
        var reports = new List<ItemReport>();
        // Random state last: whatever restoring the others draws from the generators must not shift the sequence.
        foreach (var state in tracked.OrderBy(t => t.Item == TrainingRun.RandomItem))
            reports.AddRange(RestoreWhole(shard, state, saved.GetValueOrDefault(state.Item)));
        reports.AddRange(saved.Keys.Except(tracked.Select(t => t.Item))
            .Select(item => new ItemReport(item, ItemOutcome.Skipped, "in the snapshot, but not tracked")));
        return reports;
    }

    private static Dictionary<string, SavedItem> ItemsOf(ShardContent shard) =>
        SavedItem.Of(shard, (_, _) => true).ToDictionary(item => item.Item);

    private void Compare(Dictionary<string, SavedItem> saved)
    {
        var mismatches = tracked
            .Where(t => saved.ContainsKey(t.Item))
            .SelectMany(t => t.Compare(saved[t.Item]))
            .ToList();
        if (mismatches.Count > 0)
        {
            throw new InvalidInputException(
                $"The snapshot does not fit what run {run} tracks; nothing was changed:"
                + string.Concat(mismatches.Select(m => $"{Environment.NewLine}  {m}")));
        }
    }

    /// <summary>What is read while it is restored was whole a moment ago; if it is not now, there is nothing to go back to.</summary>
    private List<ItemReport> RestoreWhole(ShardContent shard, ITrackedState state, SavedItem? saved)
    {
        try
        {
            return [.. RestoreItem(state, saved)];
        }
        catch (CiuicException error) when (shard is StreamedShard)
        {
            throw new UnavailableException(
                $"Run {run}: THE STATE IS RESTORED IN PARTS ONLY and must not be trained or saved: start again. {error.Message}", error);
        }
    }

    private static IEnumerable<ItemReport> RestoreItem(ITrackedState state, SavedItem? saved)
    {
        if (saved is null)
        {
            yield return new ItemReport(state.Item, ItemOutcome.Missing, "not in the snapshot; keeps its fresh state");
            yield break;
        }

        var skipped = state.Restore(saved);
        yield return new ItemReport(
            state.Item, ItemOutcome.Restored, $"{saved.Tensors.Count} tensors, {saved.ByteNames.Count} values");
        foreach (var part in skipped)
            yield return new ItemReport($"{state.Item}/{part.Name}", ItemOutcome.Skipped, part.Reason);
    }
}
