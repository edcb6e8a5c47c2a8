using Ciuic.Client;
using Ciuic.Core;

namespace Ciuic.Native;

/// <summary>A run that the caller trains: its items come and go as he names them.</summary>
internal sealed class OpenRun(SnapshotChain chain, TrainingRun run)
{
    /// <summary>Items looked for where nobody can say what a snapshot holds: without a silo.</summary>
    private static readonly string[] Usual = ["model", "optimizer", "scheduler", "scaler", "rng", "dataloader", "progress", "extra"];

    private readonly Dictionary<string, LiveState> _items = [];

    public TrainingRun Run => run;

    public bool IsResumed { get; private set; }

    /// <summary>Finds the newest whole snapshot and reads all of it.</summary>
    public async Task<(ResumeReport Report, List<SavedItem> Items)> ResumeAsync()
    {
        foreach (var item in await ItemsAsync())
            Of(item);
        var report = await run.ResumeAsync();
        IsResumed = true;
        return (report, [.. _items.Values.Select(i => i.Saved).OfType<SavedItem>()]);
    }

    /// <summary>A snapshot of the run in a few words; fewer where nobody can be asked.</summary>
    public async Task<SnapshotSummary> DescribeAsync(ResumeReport report, SnapshotLink from)
    {
        try
        {
            return Summary.Of(await chain.History.FindAsync(run.Id, new SnapshotRef.AtSequence(from.Sequence)));
        }
        catch (CiuicException)
        {
            return Summary.Of(report, from);
        }
    }

    /// <summary>Saves what the caller's memory holds now; it is his again when this returns.</summary>
    public async Task<SaveHandle> SaveAsync(SaveArguments save)
    {
        // Whoever begins without looking at what is there continues the chain from scratch.
        if (!IsResumed)
            await ResumeAsync();
        var named = save.Items.Select(i => i.Item).ToHashSet();
        if (named.Count < save.Items.Length)
            throw new InvalidInputException("An item is named twice.");
        foreach (var item in _items.Values)
            item.Clear();
        foreach (var item in save.Items)
            Of(item.Item).Set(item);
        try
        {
            return await run.SaveAsync(new TrainingProgress(save.Step, save.Epoch, save.NextSample), save.Metrics, save.Labels);
        }
        finally
        {
            foreach (var item in _items.Values)
                item.Clear();
        }
    }

    private LiveState Of(string item)
    {
        if (_items.TryGetValue(item, out var known))
            return known;
        var state = new LiveState(item);
        run.Track(state);
        return _items[item] = state;
    }

    private async Task<IEnumerable<string>> ItemsAsync()
    {
        try
        {
            using var saved = await chain.ReadAsync(run.Id.Value, new SnapshotRef.Latest(), []);
            return saved.Items.Select(i => i.Item).ToList();
        }
        catch (CiuicException)
        {
            // There is nothing, or no silo to ask, or the newest one is damaged: resuming says what.
            return Usual;
        }
    }
}
