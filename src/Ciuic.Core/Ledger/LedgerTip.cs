namespace Ciuic.Core;

/// <summary>
/// Everything the next block depends on. Pure: a tip and a block give the next tip, or the reason why the
/// block does not belong there.
/// </summary>
public sealed record LedgerTip(string Origin, MerkleFrontier Tree, Digest LastLeaf, long LastTimeMs)
{
    /// <summary>The tip of a ledger without blocks.</summary>
    public static LedgerTip Start(string origin) => new(origin, MerkleFrontier.Empty, MerkleHash.Empty, 0);

    /// <summary>Number of blocks; the height of the next one.</summary>
    public long Size => Tree.Size;

    /// <summary>What a checkpoint of this tip says.</summary>
    public TreeHead Head => new(Origin, Size, Tree.Root);

    /// <summary>The next block, not signed yet. Its time is now, or just after the last block's.</summary>
    public Block Next(DateTimeOffset now, IReadOnlyList<byte[]> records) => new()
    {
        Origin = Origin,
        Height = Size,
        // A clock that stands still or goes back must not stop commits; the order of blocks is the truth.
        TimeMs = Math.Max(now.ToUnixTimeMilliseconds(), LastTimeMs + 1),
        Previous = LastLeaf,
        Tree = Tree.Root,
        Records = records,
    };

    /// <summary>The tip after a block.</summary>
    /// <exception cref="CorruptException">The block does not follow; the message names height and reason.</exception>
    public LedgerTip Follow(Block block, ReadOnlySpan<byte> bytes)
    {
        Require(block.Origin == Origin, $"it is of '{block.Origin}'");
        Require(block.Height == Size, $"it says height {block.Height}");
        Require(block.TimeMs > LastTimeMs, $"its time {block.TimeMs} is not after {LastTimeMs}");
        Require(block.Previous == LastLeaf, "its prev is not the leaf hash of the block before");
        Require(block.Tree == Tree.Root, "its tree is not the root over the blocks before");
        var leaf = MerkleHash.Leaf(bytes);
        return new LedgerTip(Origin, Tree.Append(leaf), leaf, block.TimeMs);
    }

    private void Require(bool holds, string complaint)
    {
        if (!holds)
            throw new CorruptException($"block {Size} of ledger '{Origin}' does not belong there: {complaint}");
    }
}
