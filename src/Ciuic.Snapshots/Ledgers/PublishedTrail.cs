using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>
/// Remembers what one writer has published, and tells what a newer tree head supersedes: partial tiles and bundles, of which each
/// head stores all again under another name, and kept heads. Without this the published view grows with the square of the
/// blocks. What an older head says is proven from the newer tiles (RFC 6962 consistency), so nobody's memory loses its proof.
/// </summary>
internal sealed class PublishedTrail
{
    /// <summary>
    /// Newest tree heads that keep their partial tiles, for readers that have just read one of them. Later they find the larger ones.
    /// </summary>
    public const int HeadsWithTiles = 3;

    /// <summary>Newest tree heads that are all kept: a late writer may put one of them back as the published one.</summary>
    public const int HeadsAllKept = 64;

    private readonly Queue<long> _withTiles = [];
    private readonly Queue<long> _kept = [];
    private long _lastThatStays = -1;

    /// <summary>Takes note of a published size.</summary>
    /// <returns>The objects below the ledger that may go.</returns>
    public List<string> Add(long size)
    {
        if (_kept.Contains(size))
            return [];
        _withTiles.Enqueue(size);
        _kept.Enqueue(size);
        return [.. TakePartials(), .. TakeHeads()];
    }

    /// <summary>
    /// The kept sizes that may go, of all in ascending order: but for the newest ones, one of each full bundle's 256 blocks stays, so
    /// that it can still be told when witnesses saw what.
    /// </summary>
    public static List<long> HeadsToCollect(IReadOnlyList<long> sizes) => sizes
        .Take(Math.Max(0, sizes.Count - HeadsAllKept))
        .GroupBy(size => size / Tile.FullWidth)
        .SelectMany(group => group.Skip(1))
        .ToList();

    private List<string> TakePartials()
    {
        var superseded = new List<string>();
        while (_withTiles.Count > HeadsWithTiles)
        {
            var needed = _withTiles.TakeLast(HeadsWithTiles).SelectMany(TileLayout.PartialPaths).ToHashSet(StringComparer.Ordinal);
            superseded.AddRange(TileLayout.PartialPaths(_withTiles.Dequeue()).Where(path => !needed.Contains(path)));
        }

        return superseded;
    }

    private List<string> TakeHeads()
    {
        var superseded = new List<string>();
        while (_kept.Count > HeadsAllKept)
        {
            var size = _kept.Dequeue();
            if (_lastThatStays >= 0 && size / Tile.FullWidth == _lastThatStays / Tile.FullWidth)
                superseded.Add($"checkpoint.{size}");
            else
                _lastThatStays = size;
        }

        return superseded;
    }
}
