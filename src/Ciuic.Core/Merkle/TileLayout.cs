using System.Globalization;

namespace Ciuic.Core;

/// <summary>
/// One tile of a tlog-tiles tree: <see cref="Width"/> hashes of level 8 x <see cref="Level"/>, from index
/// 256 x <see cref="Index"/> on. A full tile has 256 hashes. (C2SP tlog-tiles)
/// </summary>
public readonly record struct Tile(int Level, long Index, int Width)
{
    /// <summary>Hashes of a full tile, and leaves of a full entry bundle.</summary>
    public const int FullWidth = 256;

    /// <summary>Path of the hash tile below the ledger's prefix.</summary>
    public string Path => $"tile/{Level.ToString(CultureInfo.InvariantCulture)}/{TileLayout.IndexPath(Index, Width)}";

    /// <summary>Leaves of the smallest tree that has this tile; the largest number where no tree has.</summary>
    public long MinSize
    {
        get
        {
            var hashes = (UInt128)Index * FullWidth + (UInt128)Width;
            var leaves = hashes << (8 * Level);
            return leaves <= long.MaxValue ? (long)leaves : long.MaxValue;
        }
    }

    /// <summary>Path of the entry bundle with the same leaves; only meaningful at level 0.</summary>
    public string EntriesPath => $"tile/entries/{TileLayout.IndexPath(Index, Width)}";
}

/// <summary>How tiles are named.</summary>
public static class TileLayout
{
    /// <summary>
    /// Reads the path of a hash tile or entry bundle below a ledger; a bundle's level is 0. There is one path for each tile.
    /// </summary>
    public static bool TryParse(string path, out Tile tile)
    {
        tile = default;
        var parts = path.Split('/');
        if (parts.Length < 3 || parts[0] != "tile")
            return false;
        var isBundle = parts[1] == "entries";
        long level = 0;
        if (!isBundle && !(Decimal64.TryParse(parts[1], out level) && level < 8))
            return false;
        var partial = parts[^2].EndsWith(".p", StringComparison.Ordinal);
        long width = Tile.FullWidth;
        if (partial && !(Decimal64.TryParse(parts[^1], out width) && width is > 0 and < Tile.FullWidth))
            return false;
        var index = 0L;
        foreach (var part in parts[2..(partial ? ^1 : ^0)])
        {
            var digits = part.TrimStart('x').Replace(".p", "", StringComparison.Ordinal);
            if (digits.Length != 3 || !int.TryParse(digits, System.Globalization.NumberStyles.None, CultureInfo.InvariantCulture, out var group))
                return false;
            index = index * 1000 + group;
        }

        tile = new Tile((int)level, index, (int)width);
        return path == (isBundle ? tile.EntriesPath : tile.Path);
    }

    /// <summary>The paths of all partial tiles of a tree of a size, and of its partial bundle.</summary>
    public static IEnumerable<string> PartialPaths(long size)
    {
        for (var level = 0; level < TileBuilder.LevelCount(size); level++)
        {
            if (TileBuilder.PartialWidth(size, level) is not (> 0 and var width))
                continue;
            var tile = new Tile(level, (size >> (8 * level)) / Tile.FullWidth, width);
            yield return tile.Path;
            if (level == 0)
                yield return tile.EntriesPath;
        }
    }

    internal static string IndexPath(long index, int width)
    {
        var path = (index % 1000).ToString("000", CultureInfo.InvariantCulture);
        for (var rest = index / 1000; rest > 0; rest /= 1000)
            path = $"x{(rest % 1000).ToString("000", CultureInfo.InvariantCulture)}/{path}";
        return width == Tile.FullWidth ? path : $"{path}.p/{width.ToString(CultureInfo.InvariantCulture)}";
    }
}
