using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Makes proofs from the tiles in a bucket, or, where those are damaged, from the blocks that they are derived from. What it
/// returns is checked by whoever uses it.
/// </summary>
public sealed class TreeProver
{
    private readonly LedgerBucket _bucket;

    /// <summary>A prover that takes tiles as they are.</summary>
    public TreeProver(LedgerBucket bucket)
        : this(bucket, usesTiles: true)
    {
    }

    private TreeProver(LedgerBucket bucket, bool usesTiles) => (_bucket, UsesTiles) = (bucket, usesTiles);

    /// <summary>Whether it reads tiles; otherwise it derives them.</summary>
    internal bool UsesTiles { get; }

    /// <summary>A prover that derives every tile from entries: slow, and independent of what may be damaged.</summary>
    internal static TreeProver WithoutTiles(LedgerBucket bucket) => new(bucket, usesTiles: false);

    /// <summary>That the tree of a head begins with an older one.</summary>
    /// <exception cref="CorruptException">A tile is missing or damaged.</exception>
    public async Task<List<Digest>> ConsistencyAsync(long oldSize, long newSize, CancellationToken cancel) =>
        await ProveAsync(newSize, subtree => MerkleProofs.Consistency(oldSize, newSize, subtree), cancel);

    /// <summary>That the tree of a size begins with an older one, from the tiles of a larger, published size.</summary>
    /// <exception cref="CorruptException">A tile is missing or damaged.</exception>
    public async Task<List<Digest>> ConsistencyAsync(long oldSize, long newSize, long published, CancellationToken cancel) =>
        await ProveAsync(published, subtree => MerkleProofs.Consistency(oldSize, newSize, subtree), cancel);

    /// <summary>That a leaf has its place in the tree of a size.</summary>
    /// <exception cref="CorruptException">A tile is missing or damaged.</exception>
    public async Task<List<Digest>> InclusionAsync(long index, long size, CancellationToken cancel) =>
        await ProveAsync(size, subtree => MerkleProofs.Inclusion(index, size, subtree), cancel);

    /// <summary>Root of the first leaves, from the tiles of a tree of a size.</summary>
    /// <exception cref="CorruptException">A tile is missing or damaged.</exception>
    public async Task<Digest> RootAsync(long count, long size, CancellationToken cancel) => count == 0
        ? MerkleHash.Empty
        : (await ProveAsync(size, subtree => [subtree(0, count)], cancel))[0];

    /// <summary>Whether the tree of a newer head begins with that of an older one.</summary>
    /// <exception cref="CorruptException">A tile is missing or damaged.</exception>
    public async Task<bool> ContinuesAsync(TreeHead older, TreeHead newer, CancellationToken cancel)
    {
        var proof = await ConsistencyAsync(older.Size, newer.Size, cancel);
        return older.Origin == newer.Origin
            && MerkleProofs.VerifyConsistency(older.Size, newer.Size, older.Root, newer.Root, proof);
    }

    /// <summary>Twice the same walk: once to learn which parts of the tree are needed, once with their roots.</summary>
    private async Task<List<Digest>> ProveAsync(
        long size, Func<Func<long, long, Digest>, List<Digest>> walk, CancellationToken cancel)
    {
        var parts = new List<(long, long)>();
        walk((begin, end) =>
        {
            parts.Add((begin, end));
            return default;
        });
        var hashes = new TileHashes(size);
        var needed = hashes.Needed(parts);
        // All at once: a proof is a handful of them, and each is a round trip.
        var tiles = await Task.WhenAll(needed.Select(async tile => (tile, Bytes: await FetchAsync(tile, cancel))));
        foreach (var (tile, bytes) in tiles)
            hashes.Add(tile, bytes);
        return walk(hashes.Root);
    }

    /// <summary>
    /// A partial tile is collected once a larger one is there, which begins with it. Readers that hold an older tree head find it
    /// there.
    /// </summary>
    private async Task<byte[]?> FetchAsync(Tile tile, CancellationToken cancel)
    {
        if (!UsesTiles)
            return await DerivedTiles.MakeAsync(_bucket, tile, cancel);
        var bytes = await _bucket.GetTileAsync(tile.Path, cancel);
        if (bytes is not null || tile.Width == Tile.FullWidth)
            return bytes;
        var larger = await LargerTiles.FindAsync(_bucket, tile.Path, tile, cancel);
        return larger?.Length >= tile.Width * Digest.Size ? larger[..(tile.Width * Digest.Size)] : null;
    }
}
