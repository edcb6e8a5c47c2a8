namespace Ciuic.Snapshots;

/// <summary>A part of an item that cannot be saved, and why: nothing is missing silently.</summary>
public sealed record SkippedPart(string Name, string Reason);

/// <summary>The live state of one item: views of its tensors, copies of its small values.</summary>
/// <param name="Item">The item's name, such as <c>model</c>.</param>
/// <param name="Tensors">Its tensors; valid until the trainer's next step.</param>
/// <param name="Bytes">Named bytes.</param>
/// <param name="Skipped">What cannot be saved.</param>
public sealed record ItemState(
    string Item,
    IReadOnlyList<TensorSource> Tensors,
    IReadOnlyList<KeyValuePair<string, byte[]>> Bytes,
    IReadOnlyList<SkippedPart> Skipped)
{
    /// <summary>What an optimizer did last to tensors, of this item or another; empty where that is not known.</summary>
    public IReadOnlyList<AdamStep> Steps { get; init; } = [];

    /// <summary>Whether its whole tensors are this rank's own; otherwise all ranks have them alike, and one of them stores each.</summary>
    public bool IsPerRank { get; init; }

    /// <summary>
    /// Places of its tensors among all that this rank has of it, where other ranks store some; null where one rank saves alone.
    /// </summary>
    public IReadOnlyList<int>? Places { get; init; }

    /// <summary>Bytes of all of it.</summary>
    public long Length => Tensors.Sum(t => t.Length) + Bytes.Sum(b => (long)b.Value.Length);
}
