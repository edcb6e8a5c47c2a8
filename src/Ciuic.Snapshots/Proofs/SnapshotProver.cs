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
    /// <exception cref="CorruptException">The block is missing or damaged, and so is every copy of it.</exception>
    public static async Task<TlogProof> ProveAsync(
        LedgerBucket bucket, SignedTreeHead? head, long height, CancellationToken cancel)
    {
        if (head is null || head.Head.Size <= height)
        {
            throw new UnavailableException(
                $"Block {height} of ledger '{bucket.Name}' is committed, but the published tree head covers only "
                + $"{head?.Head.Size ?? 0} blocks: it is not final yet. Ask again when the witnesses have cosigned.");
        }

        var (block, path) = await FindAsync(bucket, new TreeProver(bucket), head.Head, height, cancel)
            ?? await FindAsync(bucket, TreeProver.WithoutTiles(bucket), head.Head, height, cancel)
            ?? throw new CorruptException(
                $"block {height} of ledger '{bucket.Name}' is missing or damaged, and no entry bundle holds it "
                + $"({Storage.BucketLayout.Block(bucket.Name, height)})");
        return new TlogProof(block, height, path, head.Bytes);
    }

    /// <summary>The block and its path; null where tiles and block do not fit together: whichever of them is damaged.</summary>
    private static async Task<(byte[] Block, List<Digest> Path)?> FindAsync(
        LedgerBucket bucket, TreeProver prover, TreeHead head, long height, CancellationToken cancel)
    {
        List<Digest> path;
        try
        {
            path = await prover.InclusionAsync(height, head.Size, cancel);
        }
        catch (CorruptException) when (prover.UsesTiles)
        {
            return null; // a tile is missing, and what it says is derived from the blocks
        }

        return await BlockCopies.FindAsync(bucket, height, IsLeaf, cancel) is { } block ? (block, path) : null;

        bool IsLeaf(byte[] bytes) =>
            MerkleProofs.VerifyInclusion(height, head.Size, MerkleHash.Leaf(bytes), head.Root, path);
    }
}
