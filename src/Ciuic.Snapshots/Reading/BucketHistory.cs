using Ciuic.Core;
using Ciuic.Storage;

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
    /// <returns>The run's history; null where the ledger does not know it, or there is no trace of a ledger and of the run.</returns>
    /// <exception cref="CorruptException">The ledger is damaged.</exception>
    public static async Task<RunHistory?> ReadAsync(
        LedgerBucket ledger, RunId run, IReadOnlyList<VerifierKey> trusted, TreeHead? known, CancellationToken cancel)
    {
        if (!await KeyNotes.ExistAsync(ledger, cancel))
        {
            await RequireUnsavedAsync(ledger, run, cancel);
            return null;
        }

        var history = new RunHistory(run);
        await foreach (var linked in LedgerReader.ReadAsync(ledger, trusted, known, cancel))
        {
            foreach (var (line, record) in linked.Block.Facts().Where(f => f.Record.Run == run))
                history.Apply(record, new LedgerPosition(linked.Block.Height, line));
        }

        return history.Snapshots.Count > 0 ? history : null;
    }

    /// <summary>A snapshot's manifest is written just before the block that commits it: with one there was a ledger.</summary>
    private static async Task RequireUnsavedAsync(LedgerBucket ledger, RunId run, CancellationToken cancel)
    {
        await foreach (var found in ledger.Store.ListAsync(BucketLayout.RunPrefix(run), cancel))
        {
            if (BucketLayout.SequenceOf(found.Key) is { } sequence && found.Key == BucketLayout.Manifest(new SnapshotId(run, sequence)))
            {
                throw new CorruptException(
                    $"{ledger.Store.Location} holds snapshots of run {run} ({found.Key}), but nothing of the ledger '{ledger.Name}' that commits them: "
                    + $"no object below {BucketLayout.LedgerPrefix(ledger.Name)}. Bring the ledger back from a backup, or name the right one.");
            }
        }
    }
}
