using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>
/// Appends blocks to a ledger. Used by one thread at a time; any number of writers, in any processes, may
/// believe to be the only one: the store's create-if-absent decides, the losers read on and try again.
/// After any exception the writer's picture may be old: load a new one.
/// </summary>
public sealed class LedgerWriter
{
    /// <summary>Records kept in memory for recognizing repeats: about 2 MB.</summary>
    private const int IndexCapacity = 16_384;

    private readonly LedgerBucket _bucket;
    private readonly LedgerSigner _signer;
    private readonly TimeProvider _time;
    private readonly RecordIndex _index;
    private readonly TileBuilder _tiles;

    private LedgerWriter(
        LedgerBucket bucket, LedgerSigner signer, TimeProvider time, LedgerTip tip, TileBuilder tiles)
    {
        _bucket = bucket;
        _signer = signer;
        _time = time;
        _tiles = tiles;
        _index = RecordIndex.StartingAt(tip.Size, IndexCapacity);
        Tip = tip;
    }

    /// <summary>The newest block known to this writer.</summary>
    public LedgerTip Tip { get; private set; }

    /// <summary>
    /// Finds the end of the ledger: from the newest published tree head on, or from the first block where there
    /// is no usable one.
    /// </summary>
    /// <exception cref="CorruptException">A block is damaged or out of place; nothing will be appended to it.</exception>
    public static async Task<LedgerWriter> LoadAsync(
        LedgerBucket bucket, LedgerSigner signer, TimeProvider time, CancellationToken cancel)
    {
        var (tip, tiles) = await TreeLoader.TryResumeAsync(bucket, signer.PublicKeys, cancel)
            ?? (LedgerTip.Start(signer.Origin), new TileBuilder());
        var writer = new LedgerWriter(bucket, signer, time, tip, tiles);
        await writer.CatchUpAsync(cancel);
        return writer;
    }

    /// <summary>
    /// Where a record stands already, looking at blocks from <paramref name="notBefore"/> on; null where it
    /// does not.
    /// </summary>
    public async Task<LedgerPosition?> FindAsync(Digest record, long notBefore, CancellationToken cancel)
    {
        if (_index.Find(record) is { } position)
            return position;
        for (var height = notBefore; height < Math.Min(_index.CoveredFrom, Tip.Size); height++)
        {
            var block = await ReadAsync(height, cancel);
            var line = block.Records.ToList().FindIndex(r => Digest.Of(r) == record);
            if (line >= 0)
                return new LedgerPosition(height, line);
        }

        return null;
    }

    /// <summary>Offers one block with these records, in order.</summary>
    /// <returns>
    /// True when it is committed. False when another writer's block stands there instead: this writer has read on,
    /// and the records must be looked for before they are offered again.
    /// </returns>
    public async Task<bool> TryAppendAsync(IReadOnlyList<byte[]> records, CancellationToken cancel)
    {
        var block = Tip.Next(_time.GetUtcNow(), records);
        var bytes = block.Sign(_signer.Blocks);
        // Dying before this line: nothing happened. After it: the block is there, the next load reads it and
        // the callers, who got no answer, find their records by FindAsync.
        var result = await _bucket.OfferBlockAsync(block.Height, bytes, cancel);
        if (result == CreateResult.Created)
        {
            Take(new LinkedBlock(block, bytes, Tip.Follow(block, bytes)));
            return true;
        }

        await CatchUpAsync(cancel);
        return false;
    }

    /// <summary>The files that a tree head of the current tip implies, and that head, signed.</summary>
    public (List<TileFile> Files, TreeHead Head, byte[] Checkpoint) Tree() =>
        (_tiles.UnpublishedFiles(), Tip.Head, Tip.Head.Sign(_signer.TreeHeads));

    /// <summary>Takes note that a tree head and everything it implies is durable.</summary>
    public void MarkPublished(TreeHead head) => _tiles.MarkPublished(head.Size);

    private async Task CatchUpAsync(CancellationToken cancel)
    {
        await foreach (var linked in _bucket.FollowAsync(Tip, [_signer.Blocks.Verifier], cancel))
            Take(linked);
    }

    private void Take(LinkedBlock linked)
    {
        _index.Add(linked.Block);
        _tiles.Append(linked.Bytes, linked.After.LastLeaf);
        Tip = linked.After;
    }

    private async Task<Block> ReadAsync(long height, CancellationToken cancel)
    {
        var bytes = await _bucket.GetBlockAsync(height, cancel)
            ?? throw new CorruptException($"block {height} of ledger '{_bucket.Name}' is missing");
        return Block.Open(bytes, [_signer.Blocks.Verifier]);
    }
}
