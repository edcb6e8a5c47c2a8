using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Native;

/// <summary>One item of a run: what the caller last said it is, and what a resume found of it.</summary>
internal sealed class LiveState(string item) : ITrackedState
{
    private ItemState _live = new(item, [], [], []);

    public string Item => item;

    /// <summary>What the snapshot has of it; its bytes lie in the staging memory until the next save but one.</summary>
    public SavedItem? Saved { get; private set; }

    public void Set(LiveItem live) => _live = new ItemState(
        item, [.. live.Tensors.Select(t => new PointerTensor(t))], [.. live.AllBytes()], [])
    { IsPerRank = live.IsPerRank };

    /// <summary>The caller's memory is his again.</summary>
    public void Clear() => (_live, Saved) = (new ItemState(item, [], [], []), null);

    public ItemState Capture() => _live;

    /// <summary>The caller compares, when he takes the bytes.</summary>
    public IReadOnlyList<string> Compare(SavedItem saved) => [];

    public IReadOnlyList<SkippedPart> Restore(SavedItem saved)
    {
        Saved = saved;
        return [];
    }
}
