using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Client;

/// <summary>An item whose tensors differ from rank to rank: each saves its own and gets it back.</summary>
internal sealed class PerRankState(ITrackedState state) : ITrackedState
{
    public string Item => state.Item;

    public ItemState Capture() => state.Capture() with { IsPerRank = true };

    public TensorSlice? SliceOf(string name) => state.SliceOf(name);

    public IReadOnlyList<string> Compare(SavedItem saved) => state.Compare(saved);

    public IReadOnlyList<SkippedPart> Restore(SavedItem saved) => state.Restore(saved);
}
