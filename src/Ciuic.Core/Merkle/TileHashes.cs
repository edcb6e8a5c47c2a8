namespace Ciuic.Core;

/// <summary>
/// Roots of parts of a tree from its hash tiles, for proofs. Pure: first ask which tiles are needed, then fetch them,
/// then compute.
/// </summary>
/// <param name="size">Leaves of the tree whose tiles these are.</param>
public sealed class TileHashes(long size)
{
    private readonly Dictionary<(int Level, long Index), byte[]> _tiles = [];

    /// <summary>The tiles that hold the roots of these parts of the tree.</summary>
    public IReadOnlyCollection<Tile> Needed(IEnumerable<(long Begin, long End)> parts) => parts
        .SelectMany(part => Subtrees(part.Begin, part.End))
        .Select(TileOf)
        .ToHashSet();

    /// <summary>Takes a tile's bytes.</summary>
    /// <exception cref="CorruptException">The bytes are not as many as the tile has hashes.</exception>
    public void Add(Tile tile, byte[]? bytes)
    {
        if (bytes?.Length != tile.Width * Digest.Size)
            throw new CorruptException($"{tile.Path} is missing or of another length");
        _tiles[(tile.Level, tile.Index)] = bytes;
    }

    /// <summary>Root over the leaves from <paramref name="begin"/> to before <paramref name="end"/>.</summary>
    public Digest Root(long begin, long end)
    {
        var roots = Subtrees(begin, end).Select(SubtreeRoot).ToArray();
        return MerkleFrontier.FromRoots(end - begin, roots).Root;
    }

    /// <summary>The complete subtrees that make up a part, largest first; a part begins at a multiple of the largest.</summary>
    private static IEnumerable<(int Height, long Begin)> Subtrees(long begin, long end)
    {
        while (begin < end)
        {
            var height = System.Numerics.BitOperations.Log2((ulong)(end - begin));
            yield return (height, begin);
            begin += 1L << height;
        }
    }

    private Tile TileOf((int Height, long Begin) subtree)
    {
        var level = subtree.Height / 8;
        var index = (subtree.Begin >> (8 * level)) / Tile.FullWidth;
        var width = Math.Min(Tile.FullWidth, (size >> (8 * level)) - index * Tile.FullWidth);
        return new Tile(level, index, (int)width);
    }

    private Digest SubtreeRoot((int Height, long Begin) subtree)
    {
        var tile = TileOf(subtree);
        var bytes = _tiles[(tile.Level, tile.Index)];
        var first = (int)((subtree.Begin >> (8 * tile.Level)) % Tile.FullWidth);
        var tree = MerkleFrontier.Empty;
        for (var i = first; i < first + (1 << (subtree.Height % 8)); i++)
            tree = tree.Append(new Digest(bytes.AsSpan(i * Digest.Size, Digest.Size)));
        return tree.Root;
    }
}
