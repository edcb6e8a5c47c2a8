using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>A block that was checked in its place.</summary>
/// <param name="Block">What it says.</param>
/// <param name="Bytes">Its signed bytes: the leaf.</param>
/// <param name="After">The tip after it.</param>
public sealed record LinkedBlock(Block Block, byte[] Bytes, LedgerTip After);
