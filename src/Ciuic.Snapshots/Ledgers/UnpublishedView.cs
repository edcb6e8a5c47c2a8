using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>A tree head that was not published yet, and the derived objects that it implies.</summary>
/// <param name="Files">Tiles, entry bundles and notes of keys, by their paths below the ledger.</param>
/// <param name="Head">The tree head, signed by the ledger, not cosigned.</param>
/// <param name="Keys">The keys in force at that size.</param>
public sealed record UnpublishedTree(IReadOnlyList<TileFile> Files, SignedTreeHead Head, LedgerKeys Keys);

/// <summary>Keeps what must be durable before the next tree head is published.</summary>
internal sealed class UnpublishedView(TileBuilder tiles)
{
    private readonly List<(long Height, LedgerKeys Keys)> _rotations = [];

    public void Add(LinkedBlock linked, bool rotated)
    {
        tiles.Append(linked.Bytes, linked.After.LastLeaf);
        if (rotated)
            _rotations.Add((linked.Block.Height, linked.After.Keys));
    }

    public List<TileFile> Files(LedgerSigner signer)
    {
        var files = tiles.UnpublishedFiles();
        foreach (var (height, keys) in _rotations)
            files.Add(new TileFile(BucketLayout.KeysPathAfter(height), KeyNotes.Sign(keys, signer)));
        return files;
    }

    public void MarkPublished(long size)
    {
        tiles.MarkPublished(size);
        _rotations.RemoveAll(r => r.Height < size);
    }
}
