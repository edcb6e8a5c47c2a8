using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>Makes the proof file of a committed snapshot.</summary>
public static class SnapshotProver
{
    /// <summary>Proves the block that commits a snapshot.</summary>
    /// <param name="bucket">The ledger.</param>
    /// <param name="head">Its newest tree head; null where it has none.</param>
    /// <param name="height">The block that commits the snapshot.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="UnavailableException">No published tree head covers the block yet.</exception>
    /// <exception cref="CorruptException">A block or tile is missing or damaged.</exception>
    public static async Task<TlogProof> ProveAsync(
        LedgerBucket bucket, SignedTreeHead? head, long height, CancellationToken cancel)
    {
        if (head is null || head.Head.Size <= height)
        {
            throw new UnavailableException(
                $"Block {height} of ledger '{bucket.Name}' is committed, but the published tree head covers only "
                + $"{head?.Head.Size ?? 0} blocks: it is not final yet. Ask again when the witnesses have cosigned.");
        }

        var block = await bucket.GetBlockAsync(height, cancel)
            ?? throw new CorruptException($"block {height} of ledger '{bucket.Name}' is missing");
        var path = await new TreeProver(bucket).InclusionAsync(height, head.Head.Size, cancel);
        if (!MerkleProofs.VerifyInclusion(height, head.Head.Size, MerkleHash.Leaf(block), head.Head.Root, path))
            throw new CorruptException($"block {height} of ledger '{bucket.Name}' is not the leaf that its tree head implies");
        return new TlogProof(block, height, path, head.Bytes);
    }
}
