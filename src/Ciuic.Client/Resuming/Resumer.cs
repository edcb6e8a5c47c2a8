using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.Logging;

namespace Ciuic.Client;

/// <summary>
/// Finds the newest snapshot of the chain that is whole, checks that it fits, and only then touches the live state.
/// </summary>
/// <param name="run">The run.</param>
/// <param name="rank">The rank that this process is.</param>
/// <param name="store">The bucket.</param>
/// <param name="chunks">Its chunks.</param>
/// <param name="buffers">Take what is read before it is restored.</param>
/// <param name="parallelism">Chunks in flight at once.</param>
/// <param name="tracked">What is restored.</param>
/// <param name="found">Told which items a snapshot has, before anything of it is read: it may track more.</param>
/// <param name="restored">Told of the rank's own shard, where it lies in memory.</param>
/// <param name="logger">Told of damage.</param>
internal sealed class Resumer(
    RunId run,
    Rank rank,
    IObjectStore store,
    ChunkStore chunks,
    StagingBuffers buffers,
    int parallelism,
    IReadOnlyList<ITrackedState> tracked,
    Action<IEnumerable<string>> found,
    Action<LoadedShard> restored,
    ILogger logger)
{
    /// <summary>Times that a snapshot is read before it counts as damaged.</summary>
    private const int Looks = 2;

    public async Task<ResumeReport> ResumeAsync(ChainSource chain, bool withoutSilo, CancellationToken cancel)
    {
        var damage = new List<string>();
        for (var at = chain.Head; at is not null; at = await chain.ParentAsync(at, cancel))
        {
            if (await TryLoadAsync(chain, at, damage, cancel) is not var (manifest, content))
                continue;
            var items = Restore(content);
            if (content.Own is { } loaded)
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

    private async Task<(Manifest, SnapshotContent)?> TryLoadAsync(
        ChainSource chain, SnapshotLink at, List<string> damage, CancellationToken cancel)
    {
        // Not within the try: what the ledger does not say, or nobody can read in it, is no damage of the snapshot, and going back
        // to an older one, whose block nobody has missed yet, would make history of it.
        await chain.RequireCommittedAsync(at, cancel);
        for (var look = 1; ; look++)
        {
            try
            {
                var (manifest, content) = await LoadAsync(at, cancel);
                Compare(ItemsOf(content)); // may read a little of it
                return (manifest, content);
            }
            catch (CorruptException) when (look < Looks)
            {
                // Nobody goes back for one odd answer of a store.
            }
            catch (CorruptException error)
            {
                logger.FellBack(run, error.Message);
                damage.Add($"snapshot #{at.Sequence}: {error.Message}");
                return null;
            }
        }
    }

    private async Task<(Manifest, SnapshotContent)> LoadAsync(SnapshotLink link, CancellationToken cancel)
    {
        var (manifest, index) = await SnapshotShards.ReadAsync(new ManifestReader(store), run, link, rank, cancel);
        found(index.Parts.Select(p => p.Item));
        var wanted = tracked.ToDictionary(t => t.Item);
        var content = await SnapshotContent.LoadAsync(
            chunks, index, BoxOf, (item, _) => wanted.ContainsKey(item), buffers, parallelism, cancel);
        return (manifest, content);

        TensorBox? BoxOf(SavedTensor saved)
        {
            if (!wanted.TryGetValue(saved.Item, out var state))
                return null;
            // A slice of something else does not fit; comparing will say so.
            return state.SliceOf(saved.Name) is { } slice && slice.WholeShape.SequenceEqual(saved.Shape)
                ? slice.Box
                : TensorBox.Whole(saved.Shape);
        }
    }

    private List<ItemReport> Restore(SnapshotContent content)
    {
        var saved = ItemsOf(content);
        var reports = new List<ItemReport>();
        // Random state last: whatever restoring the others draws from the generators must not shift the sequence.
        foreach (var state in tracked.OrderBy(t => t.Item == TrainingRun.RandomItem))
            reports.AddRange(RestoreWhole(content, state, saved.GetValueOrDefault(state.Item)));
        reports.AddRange(saved.Keys.Except(tracked.Select(t => t.Item))
            .Select(item => new ItemReport(item, ItemOutcome.Skipped, "in the snapshot, but not tracked")));
        return reports;
    }

    private static Dictionary<string, SavedItem> ItemsOf(SnapshotContent content) =>
        SavedItem.Of(content, (_, _) => true).ToDictionary(item => item.Item);

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
    private List<ItemReport> RestoreWhole(SnapshotContent content, ITrackedState state, SavedItem? saved)
    {
        try
        {
            return [.. RestoreItem(state, saved)];
        }
        catch (CiuicException error) when (!content.IsInMemory)
        {
            throw new UnavailableException(
                $"Run {run}: THE STATE IS RESTORED IN PARTS ONLY and must not be trained or saved: start again. {error.Message}", error);
        }
    }

    private IEnumerable<ItemReport> RestoreItem(ITrackedState state, SavedItem? saved)
    {
        if (saved is not null && state.Item == TrainingRun.RandomItem && !saved.HasOwnBytes)
        {
            // Two ranks that draw the same numbers would train on the same noise.
            yield return new ItemReport(state.Item, ItemOutcome.Missing, $"saved without a rank {rank}; keeps its fresh state");
            yield break;
        }

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
