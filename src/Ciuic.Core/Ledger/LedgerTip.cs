namespace Ciuic.Core;

/// <summary>
/// Everything the next block depends on. Pure: a tip and a block give the next tip, or the reason why the
/// block does not belong there.
/// </summary>
/// <param name="Keys">The keys so far; the last of each role sign what comes next.</param>
/// <param name="Tree">The tree over all blocks.</param>
/// <param name="LastLeaf">Leaf hash of the newest block.</param>
/// <param name="LastTimeMs">Time of the newest block, Unix milliseconds.</param>
public sealed record LedgerTip(LedgerKeys Keys, MerkleFrontier Tree, Digest LastLeaf, long LastTimeMs)
{
    /// <summary>The tip of a ledger without blocks.</summary>
    public static LedgerTip Start(LedgerKeys keys) => new(keys.Initial, MerkleFrontier.Empty, MerkleHash.Empty, 0);

    /// <summary>The ledger's name in the world.</summary>
    public string Origin => Keys.Origin;

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

    /// <summary>The tip after a block, whose signature has been checked by the active key.</summary>
    /// <exception cref="CorruptException">The block does not follow; the message names height and reason.</exception>
    public LedgerTip Follow(Block block, ReadOnlySpan<byte> bytes)
    {
        Require(block.Origin == Origin, $"it is of '{block.Origin}'");
        Require(block.Height == Size, $"it says height {block.Height}");
        Require(block.TimeMs > LastTimeMs, $"its time {block.TimeMs} is not after {LastTimeMs}");
        Require(block.Previous == LastLeaf, "its prev is not the leaf hash of the block before");
        Require(block.Tree == Tree.Root, "its tree is not the root over the blocks before");
        var leaf = MerkleHash.Leaf(bytes);
        return new LedgerTip(KeysAfter(block), Tree.Append(leaf), leaf, block.TimeMs);
    }

    private LedgerKeys KeysAfter(Block block)
    {
        var keys = Keys;
        try
        {
            foreach (var rotation in block.Rotations())
                keys = keys.After(rotation);
        }
        catch (CorruptException error)
        {
            throw new CorruptException($"block {Size} of ledger '{Origin}' does not belong there: {error.Message}", error);
        }

        return keys;
    }

    private void Require(bool holds, string complaint)
    {
        if (!holds)
            throw new CorruptException($"block {Size} of ledger '{Origin}' does not belong there: {complaint}");
    }
}
