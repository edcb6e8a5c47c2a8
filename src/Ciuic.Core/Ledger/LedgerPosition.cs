namespace Ciuic.Core;

/// <summary>Where a record stands: height of its block, and its line within it, both from 0.</summary>
public readonly record struct LedgerPosition(long Height, int Line) : IComparable<LedgerPosition>
{
    /// <inheritdoc/>
    public int CompareTo(LedgerPosition other) =>
        Height != other.Height ? Height.CompareTo(other.Height) : Line.CompareTo(other.Line);

    /// <inheritdoc/>
    public override string ToString() => $"{Height}.{Line}";
}
