using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Reads every object of a ledger, puts back what is missing or wrong and is there a second time, and collects what newer objects
/// have taken the place of. What a silo does after it has opened a ledger, because going on from the newest tree head looks at the
/// newest blocks only, and from time to time later.
/// </summary>
/// <param name="bucket">The ledger.</param>
/// <param name="signer">Signs what is missing or damaged: notes of keys, kept tree heads.</param>
public sealed class LedgerCheck(LedgerBucket bucket, LedgerSigner signer)
{
    private readonly List<LinkedBlock> _rotations = [];
    private readonly SortedSet<string> _mended = new(StringComparer.Ordinal);
    private HeadCheck _heads = null!;
    private bool _differs;

    /// <summary>Checks the blocks of a tip and everything derived from them.</summary>
    /// <param name="tip">The tip that its blocks must give.</param>
    /// <param name="cancel">Ends the check.</param>
    /// <returns>The objects that were written again, below the ledger.</returns>
    /// <exception cref="CorruptException">A block is damaged, missing or out of place; the message names the height.</exception>
    /// <exception cref="ConflictException">A key that would have to sign is not at hand.</exception>
    public async Task<IReadOnlyCollection<string>> RunAsync(LedgerTip tip, CancellationToken cancel)
    {
        _mended.UnionWith(await KeyNoteKeeper.BeginAsync(bucket, signer, cancel));
        if (tip.Size == 0)
            return _mended; // whatever is appended meanwhile is none of this check's
        _heads = await HeadCheck.BeginAsync(bucket, signer, tip, cancel);
        await ReadAsync(tip, isProven: false, cancel);
        // What differs may be evidence of another history: replaced only once this one has proven to be the ledger's.
        if (_differs)
            await ReadAsync(tip, isProven: true, cancel);
        foreach (var rotation in _rotations)
        {
            if (await KeyNoteKeeper.KeepAsync(bucket, rotation.Block.Height, rotation.After.Keys, signer, cancel))
                _mended.Add(Storage.BucketLayout.KeysPathAfter(rotation.Block.Height));
        }

        _mended.UnionWith(await _heads.EndAsync(cancel));
        await SupersededObjects.CollectAsync(bucket, _heads.PublishedSize, cancel);
        return _mended;
    }

    private async Task ReadAsync(LedgerTip tip, bool isProven, CancellationToken cancel)
    {
        _rotations.Clear();
        var (at, tiles) = (LedgerTip.Start(tip.Keys), new TileBuilder());
        await foreach (var linked in bucket.FollowAsync(at, tip.Size, cancel))
        {
            await CheckBlockAsync(linked, isProven, cancel);
            at = linked.After;
            tiles.Append(linked.Bytes, at.LastLeaf);
            foreach (var file in tiles.TakeFinished())
                await CheckFileAsync(file, mayBeMissing: false, isProven, cancel);
            foreach (var file in at.Size == _heads.PublishedSize || _heads.HasTiles(at.Size) ? tiles.PartialFiles() : [])
                await CheckFileAsync(file, mayBeMissing: at.Size != _heads.PublishedSize, isProven, cancel);
            _differs |= await _heads.CheckAsync(at, isProven, cancel);
            if (at.Size == tip.Size)
                break;
        }

        if (at.Size < tip.Size)
        {
            throw new CorruptException(
                $"block {at.Size} of ledger '{bucket.Name}' is missing ({Storage.BucketLayout.Block(bucket.Name, at.Size)}), and no entry bundle holds it: "
                + $"the ledger had {tip.Size} blocks before. Bring it back from a backup.");
        }

        if (at.Tree.Root != tip.Tree.Root || !at.Keys.Equals(tip.Keys))
            throw new CorruptException($"ledger '{bucket.Name}': its {tip.Size} blocks do not give the root of its tiles, or its keys");
    }

    private async Task CheckBlockAsync(LinkedBlock linked, bool isProven, CancellationToken cancel)
    {
        if (!linked.After.Keys.Equals(linked.Before.Keys))
            _rotations.Add(linked);
        if (linked.Rescue is null)
            return;
        _differs = true;
        if (!isProven)
            return;
        await bucket.PutBackAsync(linked, cancel);
        _mended.Add($"block/{linked.Block.Height}");
    }

    private async Task CheckFileAsync(TileFile file, bool mayBeMissing, bool isProven, CancellationToken cancel)
    {
        var there = await bucket.GetTileAsync(file.Path, cancel);
        if (there.AsSpan().SequenceEqual(file.Content) || (there is null && mayBeMissing))
            return;
        if (there is not null && !isProven)
            _differs = true;
        else if (await bucket.DeriveAsync(file, cancel))
            _mended.Add(file.Path);
    }
}
