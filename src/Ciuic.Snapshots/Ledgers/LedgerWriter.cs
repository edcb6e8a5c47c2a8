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

    /// <summary>Finished tiles and bundles kept while reading blocks: a bundle has up to 16 MB.</summary>
    private const int MaxFinished = 8;

    private readonly LedgerBucket _bucket;
    private readonly LedgerSigner _signer;
    private readonly TimeProvider _time;
    private readonly RecordIndex _index;
    private readonly UnpublishedView _view;
    private readonly IReadOnlyList<LedgerPromise> _promises;
    private readonly List<string> _mended = [];

    /// <summary>The published size whose tiles were not usable; they are derived again on the way.</summary>
    private long? MendAt { get; init; }

    private LedgerWriter(
        LedgerBucket bucket,
        LedgerSigner signer,
        TimeProvider time,
        LedgerTip tip,
        TileBuilder tiles,
        IReadOnlyList<LedgerPromise> promises)
    {
        _bucket = bucket;
        _signer = signer;
        _time = time;
        _view = new UnpublishedView(tiles);
        _index = RecordIndex.StartingAt(tip.Size, IndexCapacity);
        _promises = promises;
        Tip = tip;
    }

    /// <summary>The newest published tree head when this writer was loaded; null where there was none.</summary>
    public SignedTreeHead? Published { get; private init; }

    /// <summary>What was published through this writer.</summary>
    internal PublishedTrail Trail { get; } = new();

    /// <summary>Objects below the ledger that this writer found damaged or missing, and has written again since it was asked last.</summary>
    public IReadOnlyList<string> TakeMended()
    {
        var mended = _mended.ToList();
        _mended.Clear();
        return mended;
    }

    /// <summary>The newest block known to this writer.</summary>
    public LedgerTip Tip { get; private set; }

    /// <summary>
    /// Finds the end of the ledger: from the newest published tree head on, or from the first block where its view is
    /// not usable.
    /// </summary>
    /// <param name="bucket">The ledger.</param>
    /// <param name="signer">Its private keys.</param>
    /// <param name="accepted">The newest tree head this cluster remembers; null where it remembers none.</param>
    /// <param name="time">The clock of its blocks.</param>
    /// <param name="cancel">Ends the loading.</param>
    /// <exception cref="CorruptException">
    /// A block is damaged, missing or out of place, or history was rewritten: nothing will be appended to this ledger. The
    /// message names the height.
    /// </exception>
    /// <exception cref="ConflictException">The ledger was made with other keys than the signer's.</exception>
    public static async Task<LedgerWriter> LoadAsync(
        LedgerBucket bucket, LedgerSigner signer, SignedTreeHead? accepted, TimeProvider time, CancellationToken cancel)
    {
        var mended = await KeyNoteKeeper.BeginAsync(bucket, signer, cancel);
        var keys = await OwnKeysAsync(bucket, signer, cancel);
        var (published, resumed) = await ResumeAsync(bucket, accepted?.Head, keys, cancel);
        var promises = LedgerPromise.Of(published?.Head, accepted?.Head);
        var (tip, tiles) = resumed ?? (LedgerTip.Start(keys.Newest), new TileBuilder());
        var writer = new LedgerWriter(bucket, signer, time, tip, tiles, promises)
        {
            Published = published,
            MendAt = resumed is null ? published?.Head.Size : null,
        };
        if (resumed is not null)
            writer.Trail.Add(tip.Size);
        writer._mended.AddRange(mended);
        await writer.CatchUpAsync(cancel);
        foreach (var promise in promises)
        {
            promise.RequireLength(bucket.Name, writer.Tip);
            promise.RequireRoot(bucket.Name, writer.Tip); // of the size it went on from, too
        }

        RequireSigner(accepted, writer.Tip.Keys);
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
    /// <exception cref="ConflictException">The records do not belong there, such as a rotation of a key no longer active.</exception>
    /// <exception cref="CorruptException">The store damages what it takes, or lets two writers win: append nothing more to it.</exception>
    public async Task<bool> TryAppendAsync(IReadOnlyList<byte[]> records, CancellationToken cancel)
    {
        var block = Tip.Next(_time.GetUtcNow(), records);
        var bytes = block.Sign(_signer.Find(Tip.Keys.ActiveBlocks));
        // Followed before it is offered: what no reader would accept must not reach the ledger.
        var linked = new LinkedBlock(block, bytes, Tip, Follow(block, bytes), null);
        var outcome = await BlockOffer.MakeAsync(_bucket, linked, cancel);
        if (outcome == OfferOutcome.Lost)
        {
            await CatchUpAsync(cancel);
            return false;
        }

        if (outcome == OfferOutcome.WonMended)
            _mended.Add($"block/{block.Height}");
        Take(linked);
        return true;
    }

    /// <summary>Everything that a tree head of the current tip implies, and that head, signed.</summary>
    public UnpublishedTree Tree()
    {
        var signer = _signer.Find(Tip.Keys.ActiveTreeHead);
        var head = SignedTreeHead.Open(Tip.Head.Sign(signer), Tip.Origin, [signer.Verifier]);
        return new UnpublishedTree(_view.Files(), _view.Rotations, head, Tip.Keys, _signer);
    }

    /// <summary>Takes note that everything a tree head implies is durable, whether it is published or not.</summary>
    public void MarkDerived(TreeHead head) => _view.MarkDerived(head.Size);

    /// <summary>The newest head and where it leads to; its tiles may be collected while they are read, by whoever publishes the next.</summary>
    private static async Task<(SignedTreeHead? Published, (LedgerTip, TileBuilder)? Resumed)> ResumeAsync(
        LedgerBucket bucket, TreeHead? accepted, KeyNotes keys, CancellationToken cancel)
    {
        var published = await PublishedHeads.NewestAsync(bucket, keys.Newest, cancel);
        while (true)
        {
            if (await TreeLoader.TryResumeAsync(bucket, published?.Head, accepted, keys, cancel) is { } resumed)
                return (published, resumed);
            var newer = await PublishedHeads.NewestAsync(bucket, keys.Newest, cancel);
            if (newer is null || newer.Head.Size <= (published?.Head.Size ?? 0))
                return (published, null);
            published = newer;
        }
    }

    private static async Task<KeyNotes> OwnKeysAsync(LedgerBucket bucket, LedgerSigner signer, CancellationToken cancel)
    {
        try
        {
            return await KeyNotes.ReadAsync(bucket, signer.TreeHeadVerifiers, cancel);
        }
        catch (CorruptException error)
        {
            throw new ConflictException(
                $"Ledger '{bucket.Name}' in {bucket.Store.Location} was made with other keys than those in the key "
                + "directory. Put its keys back (Ciuic:Ledger:KeyDirectory), or give this cluster a ledger of another "
                + $"name. ({error.Message})",
                error);
        }
    }

    /// <summary>Asked after all blocks are read: they introduce keys that no note may tell of.</summary>
    private static void RequireSigner(SignedTreeHead? accepted, LedgerKeys keys)
    {
        if (accepted is not null && !keys.TreeHead.Contains(accepted.Signer))
        {
            throw new CorruptException(
                $"ledger '{keys.Origin}': the tree head remembered here is signed by {accepted.Signer}, which is no key of the "
                + "ledger in the bucket: the ledger was replaced");
        }
    }

    private LedgerTip Follow(Block block, byte[] bytes)
    {
        try
        {
            return Tip.Follow(block, bytes);
        }
        catch (CorruptException error)
        {
            throw new ConflictException($"These records cannot be appended, history has gone on: {error.Message}", error);
        }
    }

    private async Task CatchUpAsync(CancellationToken cancel)
    {
        await foreach (var linked in _bucket.FollowAsync(Tip, LedgerPromise.Longest(_promises), cancel))
        {
            if (linked.Rescue is not null)
                await PutBackAsync(linked, cancel);
            Take(linked);
            // Full tiles never change: stored now they need no memory, however long the ledger is.
            if (_view.FinishedCount >= MaxFinished)
                await DeriveFinishedAsync(cancel);
            if (Tip.Size == MendAt)
                await MendAsync(cancel);
        }
    }

    private async Task PutBackAsync(LinkedBlock linked, CancellationToken cancel)
    {
        await _bucket.PutBackAsync(linked, cancel);
        _mended.Add($"block/{linked.Block.Height}");
    }

    /// <summary>The published view is what others read: it is whole again before anything is appended.</summary>
    private async Task MendAsync(CancellationToken cancel)
    {
        foreach (var file in _view.Files())
            await _bucket.DeriveAsync(file, cancel);
    }

    private async Task DeriveFinishedAsync(CancellationToken cancel)
    {
        var size = Tip.Size;
        foreach (var file in _view.Finished)
            await _bucket.DeriveAsync(file, cancel);
        // Only now: a tree head that is made meanwhile, or after a failure, must find them in the list still.
        _view.MarkFinished(size);
    }

    private void Take(LinkedBlock linked)
    {
        _index.Add(linked.Block);
        _view.Add(linked, rotated: !ReferenceEquals(linked.After.Keys, Tip.Keys));
        Tip = linked.After;
        foreach (var promise in _promises)
            promise.RequireRoot(_bucket.Name, Tip);
    }

    private async Task<Block> ReadAsync(long height, CancellationToken cancel) =>
        await _bucket.FindBlockAsync(height, Tip.Keys, cancel) ?? throw new CorruptException(
            $"block {height} of ledger '{_bucket.Name}' is missing or damaged, and no entry bundle holds it ({BucketLayout.Block(_bucket.Name, height)})");
}
