using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>A tree head that was not published yet, and the derived objects that it implies.</summary>
/// <param name="Files">Tiles and entry bundles, by their paths below the ledger.</param>
/// <param name="Rotations">Blocks that rotated keys and the keys after them, whose notes may be missing.</param>
/// <param name="Head">The tree head, signed by the ledger, not cosigned.</param>
/// <param name="Keys">The keys in force at that size.</param>
/// <param name="Signer">Signs the notes.</param>
public sealed record UnpublishedTree(
    IReadOnlyList<TileFile> Files,
    IReadOnlyList<KeyValuePair<long, LedgerKeys>> Rotations,
    SignedTreeHead Head,
    LedgerKeys Keys,
    LedgerSigner Signer);

/// <summary>Keeps what must be durable before the next tree head is published.</summary>
internal sealed class UnpublishedView(TileBuilder tiles)
{
    private readonly List<KeyValuePair<long, LedgerKeys>> _rotations = [];

    public IReadOnlyList<KeyValuePair<long, LedgerKeys>> Rotations => [.. _rotations];

    public int FinishedCount => tiles.FinishedCount;

    public IReadOnlyCollection<TileFile> Finished => tiles.Finished;

    public void Add(LinkedBlock linked, bool rotated)
    {
        tiles.Append(linked.Bytes, linked.After.LastLeaf);
        if (rotated)
            _rotations.Add(KeyValuePair.Create(linked.Block.Height, linked.After.Keys));
    }

    public List<TileFile> Files() => tiles.UnpublishedFiles();

    /// <summary>Takes note that the finished tiles of a size are durable, and nothing else of it.</summary>
    public void MarkFinished(long size) => tiles.MarkDurable(size);

    /// <summary>Takes note that everything a size implies is durable.</summary>
    public void MarkDerived(long size)
    {
        tiles.MarkDurable(size);
        _rotations.RemoveAll(r => r.Key < size);
    }
}
