using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>What the bucket alone says about a run: the same answer as the silo's, without a silo.</summary>
public static class BucketHistory
{
    /// <summary>
    /// Reads the ledgers in the bucket until one knows the run. Every block's signature and place is checked, with
    /// the keys stored beside the ledger.
    /// </summary>
    /// <returns>The run's history; null where no ledger knows it.</returns>
    /// <exception cref="CorruptException">A ledger is damaged.</exception>
    public static async Task<RunHistory?> ReadAsync(IObjectStore store, RunId run, CancellationToken cancel)
    {
        foreach (var ledger in await BucketAudit.FindLedgersAsync(store, cancel))
        {
            var history = await ReadAsync(new LedgerBucket(store, ledger), run, cancel);
            if (history.Snapshots.Count > 0)
                return history;
        }

        return null;
    }

    private static async Task<RunHistory> ReadAsync(LedgerBucket bucket, RunId run, CancellationToken cancel)
    {
        var history = new RunHistory(run);
        if (await bucket.GetKeysAsync(cancel) is not { } bytes)
            return history;
        var keys = LedgerKeys.OpenUntrusted(bytes);
        await foreach (var linked in bucket.FollowAsync(LedgerTip.Start(keys.Origin), keys.Blocks, cancel))
        {
            var line = 0;
            foreach (var record in linked.Block.Facts())
            {
                if (record.Run == run)
                    history.Apply(record, new LedgerPosition(linked.Block.Height, line));
                line++;
            }
        }

        return history;
    }
}
