using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Reads every block again and derives what is missing or wrong in the published view. What a silo does once after it has
/// opened a ledger, because going on from the newest tree head looks at the newest blocks only.
/// </summary>
/// <param name="bucket">The ledger.</param>
/// <param name="signer">Signs notes of keys that are missing.</param>
public sealed class LedgerCheck(LedgerBucket bucket, LedgerSigner signer)
{
    private readonly List<LinkedBlock> _rotations = [];
    private int _written;
    private int _differing;

    /// <summary>Checks the blocks of a tip.</summary>
    /// <param name="tip">The tip that its blocks must give.</param>
    /// <param name="cancel">Ends the check.</param>
    /// <returns>Number of derived objects that were written again.</returns>
    /// <exception cref="CorruptException">A block is damaged, missing or out of place; the message names the height.</exception>
    public async Task<int> RunAsync(LedgerTip tip, CancellationToken cancel)
    {
        if (tip.Size == 0)
            return 0; // whatever is appended meanwhile is none of this check's
        await ReadAsync(tip, FillAsync, cancel);
        // What differs may be evidence of another history: replaced only once this one has proven to be the ledger's.
        if (_differing > 0)
            await ReadAsync(tip, MendAsync, cancel);
        foreach (var rotation in _rotations)
            await KeyNoteKeeper.KeepAsync(bucket, rotation.Block.Height, rotation.After.Keys, signer, cancel);
        return _written;
    }

    private async Task ReadAsync(LedgerTip tip, Func<TileFile, CancellationToken, Task> derive, CancellationToken cancel)
    {
        _rotations.Clear();
        var (at, tiles) = (LedgerTip.Start(tip.Keys), new TileBuilder());
        await foreach (var linked in bucket.FollowAsync(at, cancel))
        {
            if (!linked.After.Keys.Equals(at.Keys))
                _rotations.Add(linked);
            at = linked.After;
            tiles.Append(linked.Bytes, at.LastLeaf);
            foreach (var file in tiles.TakeFinished())
                await derive(file, cancel);
            if (at.Size == tip.Size)
                break;
        }

        if (at.Size < tip.Size)
            throw new CorruptException($"block {at.Size} of ledger '{bucket.Name}' is missing: the ledger had {tip.Size} blocks before");
        if (at.Tree.Root != tip.Tree.Root || !at.Keys.Equals(tip.Keys))
            throw new CorruptException($"ledger '{bucket.Name}': its {tip.Size} blocks do not give the root of its tiles, or its keys");
    }

    private async Task FillAsync(TileFile file, CancellationToken cancel)
    {
        var there = await bucket.GetTileAsync(file.Path, cancel);
        if (there is null)
            _written += await bucket.DeriveAsync(file, cancel) ? 1 : 0;
        else if (!there.AsSpan().SequenceEqual(file.Content))
            _differing++;
    }

    private async Task MendAsync(TileFile file, CancellationToken cancel) =>
        _written += await bucket.MendAsync(file, cancel) ? 1 : 0;
}
