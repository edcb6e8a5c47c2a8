using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Testing;

namespace Ciuic.Benchmarks;

/// <summary>A valid, signed ledger of any length with one snapshot in each block.</summary>
internal static class SyntheticLedger
{
    /// <summary>Snapshots of a run: a long training, but not an endless one.</summary>
    private const int SnapshotsPerRun = 1_000;

    /// <summary>Makes the blocks one by one.</summary>
    /// <param name="blocks">How many.</param>
    /// <param name="take">Gets each block's bytes, and the files that became complete with it.</param>
    public static (LedgerTip Tip, TileBuilder Tiles) Make(int blocks, Action<byte[], List<TileFile>> take)
    {
        var (tip, tiles) = (LedgerTip.Start(TestKeys.Public), new TileBuilder());
        for (var height = 0; height < blocks; height++)
        {
            var block = tip.Next(Samples.Time, [RecordAt(height)]);
            var bytes = block.Sign(TestKeys.Blocks);
            tip = tip.Follow(block, bytes);
            tiles.Append(bytes, tip.LastLeaf);
            take(bytes, tiles.TakeFinished());
        }

        return (tip, tiles);
    }

    /// <summary>Stores such a ledger with its keys, tiles and tree head.</summary>
    public static async Task StoreAsync(LedgerBucket bucket, int blocks, CancellationToken cancel)
    {
        await KeyNoteKeeper.BeginAsync(bucket, TestKeys.NewSigner(), cancel);
        var height = 0L;
        var (tip, tiles) = Make(blocks, (bytes, files) =>
        {
            // The store answers at once: there is nothing to wait for.
            bucket.OfferBlockAsync(height++, bytes, cancel).GetAwaiter().GetResult();
            Store(bucket, files, cancel);
        });
        Store(bucket, tiles.PartialFiles(), cancel);
        var head = tip.Head.Sign(TestKeys.TreeHead);
        await bucket.KeepCheckpointAsync(tip.Size, head, cancel);
        await bucket.PutCheckpointAsync(head, cancel);
    }

    private static byte[] RecordAt(int height) => (Samples.Record(1 + height % SnapshotsPerRun) with
    {
        Run = RunId.Parse($"run-{height / SnapshotsPerRun}"),
    }).Encode();

    private static void Store(LedgerBucket bucket, List<TileFile> files, CancellationToken cancel)
    {
        foreach (var file in files)
            bucket.DeriveAsync(file, cancel).GetAwaiter().GetResult();
    }
}
