using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Client;

/// <summary>
/// One item of a training run: knows how to look at its live state and how to put a saved one back. All calls come
/// from the thread that trains, between two steps.
/// </summary>
public interface ITrackedState
{
    /// <summary>The item's name, such as <c>model</c>: 1 to 1,000 characters, once per run.</summary>
    string Item { get; }

    /// <summary>
    /// Looks at the live state. Tensors are views whose bytes are copied before this item's next step; small values
    /// are copied here.
    /// </summary>
    ItemState Capture();

    /// <summary>
    /// The part of a tensor that this rank has, whether it is there already or will be made by <see cref="Restore"/>; null for
    /// all of it. Only the part is read from a snapshot.
    /// </summary>
    TensorSlice? SliceOf(string name) => null;

    /// <summary>
    /// Every way in which the saved item does not fit the live one: names, shapes, element types. Empty when it
    /// does. Changes nothing.
    /// </summary>
    IReadOnlyList<string> Compare(SavedItem saved);

    /// <summary>Puts the saved state back, bit for bit. Called only when <see cref="Compare"/> found nothing.</summary>
    /// <returns>Parts that could not be put back, and why.</returns>
    IReadOnlyList<SkippedPart> Restore(SavedItem saved);
}
