using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>A block that was checked in its place.</summary>
/// <param name="Block">What it says.</param>
/// <param name="Bytes">Its signed bytes: the leaf.</param>
/// <param name="Before">The tip that it follows.</param>
/// <param name="After">The tip after it.</param>
/// <param name="Rescue">How it was found where its own object is missing or wrong; null where that is right.</param>
public sealed record LinkedBlock(Block Block, byte[] Bytes, LedgerTip Before, LedgerTip After, BlockRescue? Rescue);
