namespace Ciuic.Core;

/// <summary>What can be wrong with a snapshot's place in history without anything being damaged, as a repair names it.</summary>
public static class FindingKind
{
    /// <summary>
    /// Its manifest names another parent than the chain head that it was committed on: it was trained from what a silo believed to be
    /// the head.
    /// </summary>
    public const string Parent = "parent";
}
