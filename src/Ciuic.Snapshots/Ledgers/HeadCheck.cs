using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Compares the published and the kept tree heads with the tree that the blocks give. A head that cannot be read is signed again;
/// one that is signed and says something else is evidence, and stops everything.
/// </summary>
internal sealed class HeadCheck
{
    private readonly LedgerBucket _bucket;
    private readonly LedgerSigner _signer;
    private readonly SignedTreeHead? _published;
    private readonly HashSet<long> _kept;
    private readonly HashSet<long> _withTiles;
    private readonly LedgerKeys _keys;
    private readonly List<string> _mended = [];

    private HeadCheck(LedgerBucket bucket, LedgerSigner signer, LedgerKeys keys, SignedTreeHead? published, HashSet<long> kept) =>
        (_bucket, _signer, _keys, _published, _kept, _withTiles) =
            (bucket, signer, keys, published, kept, [.. kept.Order().TakeLast(PublishedTrail.HeadsWithTiles)]);

    /// <summary>Size of the newest published tree head; 0 where there is none.</summary>
    public long PublishedSize => _published?.Head.Size ?? 0;

    public static async Task<HeadCheck> BeginAsync(LedgerBucket bucket, LedgerSigner signer, LedgerTip tip, CancellationToken cancel)
    {
        var published = await PublishedHeads.NewestAsync(bucket, tip.Keys, cancel);
        return new HeadCheck(bucket, signer, tip.Keys, published, [.. await bucket.ListPublishedSizesAsync(cancel)]);
    }

    /// <summary>Whether the partial tiles of a size are still kept, and so may be damaged.</summary>
    public bool HasTiles(long size) => _withTiles.Contains(size);

    /// <summary>Looks at the heads of a size.</summary>
    /// <returns>Whether something is wrong that may be replaced once the history is proven.</returns>
    public async Task<bool> CheckAsync(LedgerTip tip, bool isProven, CancellationToken cancel)
    {
        if (tip.Size == PublishedSize)
            Require(_published!, tip);
        if (!_kept.Contains(tip.Size))
            return false;
        var bytes = await _bucket.GetCheckpointAsync(tip.Size, cancel);
        if (bytes is null)
            return false; // collected meanwhile
        if (PublishedHeads.TryOpen(bytes, _keys) is { } head)
        {
            Require(head, tip);
            return false;
        }

        if (isProven && Right(tip) is { } right)
        {
            await _bucket.ReplaceKeptCheckpointAsync(tip.Size, right, cancel);
            _mended.Add($"checkpoint.{tip.Size}");
        }

        return true;
    }

    /// <summary>Writes the newest head again where it is missing.</summary>
    public async Task<IReadOnlyList<string>> EndAsync(CancellationToken cancel)
    {
        if (_published is null)
            return _mended;
        if (!_kept.Contains(PublishedSize)
            && await _bucket.KeepCheckpointAsync(PublishedSize, _published.Bytes, cancel) == Storage.CreateResult.Created)
            _mended.Add($"checkpoint.{PublishedSize}");
        // Two writers within this read and put can leave the smaller one here until the next is published; the kept ones are all there.
        if (PublishedHeads.TryOpen(await _bucket.GetCheckpointAsync(cancel), _keys) is null)
        {
            await _bucket.PutCheckpointAsync(_published.Bytes, cancel);
            _mended.Add("checkpoint");
        }

        return _mended;
    }

    /// <summary>What the kept head must say. Cosignatures that only the damaged one had are lost with it.</summary>
    private byte[]? Right(LedgerTip tip)
    {
        if (tip.Size == PublishedSize)
            return _published!.Bytes;
        return _signer.TryFind(tip.Keys.ActiveTreeHead) is { } key ? tip.Head.Sign(key) : null;
    }

    private void Require(SignedTreeHead head, LedgerTip tip)
    {
        if (head.Head != tip.Head)
        {
            throw new CorruptException(
                $"ledger '{_bucket.Name}' was rewritten: its first {tip.Size} blocks give the root {tip.Tree.Root.ToShortString()}, a signed tree head "
                + $"of that size (checkpoint, or checkpoint.{tip.Size}) has {head.Head.Root.ToShortString()}");
        }
    }
}
