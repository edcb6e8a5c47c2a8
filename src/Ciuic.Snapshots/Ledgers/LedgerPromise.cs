using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>A signed tree head that the blocks must agree with: fewer blocks, or others, must not be built upon.</summary>
/// <param name="Head">What was promised.</param>
/// <param name="Source">Where, for messages.</param>
internal sealed record LedgerPromise(TreeHead Head, string Source)
{
    public static IReadOnlyList<LedgerPromise> Of(TreeHead? published, TreeHead? known)
    {
        var promises = new List<LedgerPromise>();
        if (published is not null)
            promises.Add(new LedgerPromise(published, "its signed tree head"));
        if (known is not null)
            promises.Add(new LedgerPromise(known, "the tree head remembered here"));
        return promises;
    }

    /// <summary>Blocks that must be there at least.</summary>
    public static long Longest(IReadOnlyList<LedgerPromise> promises) => promises.Count == 0 ? 0 : promises.Max(p => p.Head.Size);

    public void RequireRoot(string ledger, LedgerTip tip)
    {
        if (tip.Size == Head.Size && tip.Tree.Root != Head.Root)
        {
            throw new CorruptException(
                $"ledger '{ledger}' was rewritten: its first {tip.Size} blocks give the root {tip.Tree.Root.ToShortString()}, {Source} "
                + $"of that size has {Head.Root.ToShortString()}");
        }
    }

    public void RequireLength(string ledger, LedgerTip tip)
    {
        if (tip.Size < Head.Size)
        {
            throw new CorruptException(
                $"block {tip.Size} of ledger '{ledger}' is missing: {Source} promises {Head.Size} blocks, and no entry bundle holds "
                + $"it ({Storage.BucketLayout.Block(ledger, tip.Size)}). Bring the block back from a backup; nothing is appended until then.");
        }
    }
}
