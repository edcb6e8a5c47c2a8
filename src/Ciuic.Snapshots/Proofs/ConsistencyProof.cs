using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>Proofs that a ledger's tree of one size begins with that of another (RFC 6962 section 2.1.2).</summary>
public static class ConsistencyProof
{
    /// <summary>Makes and checks the proof between any two sizes, up to the published one.</summary>
    /// <param name="bucket">The ledger.</param>
    /// <param name="trusted">Tree head keys known from elsewhere; empty: believe those beside the ledger.</param>
    /// <param name="oldSize">The smaller size, from 0.</param>
    /// <param name="newSize">The larger size.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="InvalidInputException">The sizes are out of order, or larger than what is published.</exception>
    /// <exception cref="CorruptException">A block is missing or damaged, and so is every copy of it.</exception>
    public static async Task<(TreeHead Old, TreeHead New, List<Digest> Path)> MakeAsync(
        LedgerBucket bucket, IReadOnlyList<VerifierKey> trusted, long oldSize, long newSize, CancellationToken cancel)
    {
        var keys = (await KeyNotes.ReadAsync(bucket, trusted, cancel)).Newest;
        var published = (await PublishedHeads.NewestAsync(bucket, keys, cancel))?.Head;
        if (oldSize < 0 || oldSize > newSize || newSize > (published?.Size ?? 0))
        {
            throw new InvalidInputException(
                $"A proof needs 0 <= OLD <= NEW <= {published?.Size ?? 0}, the published size; {oldSize} and {newSize} were given.");
        }

        return await TryMakeAsync(new TreeProver(bucket), keys.Origin, oldSize, newSize, published!, cancel)
            ?? await TryMakeAsync(TreeProver.WithoutTiles(bucket), keys.Origin, oldSize, newSize, published!, cancel)
            ?? throw new CorruptException($"ledger '{bucket.Name}': its blocks do not lead to the root of its signed tree head");
    }

    /// <summary>The proof; null where the tiles are missing or wrong.</summary>
    private static async Task<(TreeHead Old, TreeHead New, List<Digest> Path)?> TryMakeAsync(
        TreeProver prover, string origin, long oldSize, long newSize, TreeHead published, CancellationToken cancel)
    {
        try
        {
            var older = new TreeHead(origin, oldSize, await prover.RootAsync(oldSize, published.Size, cancel));
            var newer = new TreeHead(origin, newSize, await prover.RootAsync(newSize, published.Size, cancel));
            var path = await prover.ConsistencyAsync(oldSize, newSize, published.Size, cancel);
            return MerkleProofs.VerifyConsistency(oldSize, newSize, older.Root, newer.Root, path)
                && await prover.ContinuesAsync(newer, published, cancel) ? (older, newer, path) : null;
        }
        catch (CorruptException) when (prover.UsesTiles)
        {
            return null;
        }
    }
}
