using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>A signed tree head that the blocks must agree with: fewer blocks, or others, must not be built upon.</summary>
/// <param name="Head">What was promised.</param>
/// <param name="Source">Where, for messages.</param>
internal sealed record LedgerPromise(TreeHead Head, string Source)
{
    /// <exception cref="CorruptException">The remembered head was signed by a key that is none of this ledger.</exception>
    public static IReadOnlyList<LedgerPromise> Of(TreeHead? published, SignedTreeHead? accepted, LedgerKeys keys)
    {
        var promises = new List<LedgerPromise>();
        if (published is not null)
            promises.Add(new LedgerPromise(published, "its signed tree head"));
        if (accepted is null)
            return promises;
        if (!keys.TreeHead.Contains(accepted.Signer))
        {
            throw new CorruptException(
                $"ledger '{keys.Origin}': the tree head remembered here is signed by {accepted.Signer}, which is no key of the "
                + "ledger in the bucket: the ledger was replaced");
        }

        promises.Add(new LedgerPromise(accepted.Head, "the tree head remembered here"));
        return promises;
    }

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
                $"block {tip.Size} of ledger '{ledger}' is missing: {Source} promises {Head.Size} blocks. Bring the block back "
                + "from a backup; nothing is appended until then.");
        }
    }
}
