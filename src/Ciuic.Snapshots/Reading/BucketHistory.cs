using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>What the bucket alone says about a run: the same answer as the silo's, without a silo.</summary>
public static class BucketHistory
{
    /// <summary>
    /// Reads a run's history from its ledger. Every block's signature and place is checked, and that none is missing that
    /// the signed tree head promises.
    /// </summary>
    /// <param name="ledger">The ledger.</param>
    /// <param name="run">The run.</param>
    /// <param name="trusted">Tree head keys known from elsewhere; empty: believe those beside the ledger.</param>
    /// <param name="known">A tree head that the blocks must give, beside the published one; null where none is known.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <returns>The run's history; null where the ledger does not know it, or there is no ledger.</returns>
    /// <exception cref="CorruptException">The ledger is damaged.</exception>
    public static async Task<RunHistory?> ReadAsync(
        LedgerBucket ledger, RunId run, IReadOnlyList<VerifierKey> trusted, TreeHead? known, CancellationToken cancel)
    {
        if (!await KeyNotes.ExistAsync(ledger, cancel))
            return null;
        var history = new RunHistory(run);
        await foreach (var linked in LedgerReader.ReadAsync(ledger, trusted, known, cancel))
        {
            foreach (var (line, record) in linked.Block.Facts().Where(f => f.Record.Run == run))
                history.Apply(record, new LedgerPosition(linked.Block.Height, line));
        }

        return history.Snapshots.Count > 0 ? history : null;
    }
}
