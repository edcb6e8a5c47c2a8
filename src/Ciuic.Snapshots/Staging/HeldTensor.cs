namespace Ciuic.Snapshots;

/// <summary>A tensor that has the same values on all ranks that have it.</summary>
/// <param name="Item">Its item.</param>
/// <param name="Tensor">What this rank holds of it.</param>
/// <param name="IsStored">Whether this rank stores it.</param>
internal readonly record struct HeldTensor(string Item, TensorSource Tensor, bool IsStored)
{
    /// <summary>Whether it must have the same: of others the first rank's values count, and their fingerprint is zero on all ranks.</summary>
    public bool IsCompared => Tensor.Slice is not null || !Tensor.IsOfFirstRank;
}
