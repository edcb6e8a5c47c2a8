using System.Runtime.InteropServices;

namespace Ciuic.Core;

/// <summary>One derived object of the tlog-tiles view.</summary>
/// <param name="Path">Its path below the ledger's prefix.</param>
/// <param name="Content">Its bytes.</param>
public readonly record struct TileFile(string Path, byte[] Content);

/// <summary>
/// Derives the tlog-tiles view of a growing tree. Holds only what the newest partial tiles need: at most 255
/// hashes a level and 255 entries. Pure: the same entries give the same files.
/// </summary>
public sealed class TileBuilder
{
    private readonly List<List<Digest>> _levels = [];
    private readonly List<byte[]> _entries = [];
    private readonly Queue<(long Size, TileFile File)> _finished = [];

    /// <summary>Number of leaves.</summary>
    public long Size { get; private set; }

    /// <summary>Goes on from the partial tiles of a published size.</summary>
    /// <param name="size">The published size.</param>
    /// <param name="levels">Hashes of each level's partial tile, level 0 first.</param>
    /// <param name="entries">The partial bundle's entries.</param>
    /// <exception cref="InvalidInputException">The counts do not fit the size.</exception>
    public static TileBuilder Resume(long size, IReadOnlyList<List<Digest>> levels, IReadOnlyList<byte[]> entries)
    {
        for (var level = 0; level < levels.Count; level++)
        {
            if (levels[level].Count != PartialWidth(size, level))
                throw new InvalidInputException($"Level {level} of a tree of {size} has other than {levels[level].Count} hashes.");
        }

        if (entries.Count != PartialWidth(size, 0))
            throw new InvalidInputException($"The last bundle of a tree of {size} has other than {entries.Count} entries.");
        var builder = new TileBuilder { Size = size };
        builder._levels.AddRange(levels);
        builder._entries.AddRange(entries);
        return builder;
    }

    /// <summary>Hashes in the partial tile of a level; 0 where the level ends with a full one.</summary>
    public static int PartialWidth(long size, int level) => (int)((size >> (8 * level)) % Tile.FullWidth);

    /// <summary>Number of levels of a tree with this many leaves.</summary>
    public static int LevelCount(long size)
    {
        var count = 0;
        while (count < 8 && size >> (8 * count) > 0)
            count++;
        return count;
    }

    /// <summary>The tree's complete subtrees, for a tip that goes on from here.</summary>
    public MerkleFrontier Frontier()
    {
        var roots = new List<Digest>();
        for (var level = _levels.Count - 1; level >= 0; level--)
            AddSubtreeRoots(roots, _levels[level]);
        return MerkleFrontier.FromRoots(Size, roots.ToArray());
    }

    /// <summary>Adds a leaf.</summary>
    public void Append(byte[] entry, Digest leafHash)
    {
        _entries.Add(entry);
        Size++;
        AddHash(0, leafHash);
        if (_entries.Count == Tile.FullWidth)
        {
            _finished.Enqueue((Size, new TileFile(Last(0).EntriesPath, EntryBundle.Encode(_entries))));
            _entries.Clear();
        }
    }

    /// <summary>Full tiles and bundles that nobody has taken or marked yet, oldest first.</summary>
    public IReadOnlyCollection<TileFile> Finished => _finished.Select(f => f.File).ToList();

    /// <summary>Number of <see cref="Finished"/>.</summary>
    public int FinishedCount => _finished.Count;

    /// <summary>All files that the current size needs and that were not published with a smaller one.</summary>
    public List<TileFile> UnpublishedFiles() => [.. Finished, .. PartialFiles()];

    /// <summary>Full tiles and bundles that were not asked for before; for readers that compare as they go.</summary>
    public List<TileFile> TakeFinished()
    {
        var files = Finished.ToList();
        _finished.Clear();
        return files;
    }

    /// <summary>The partial tiles and the partial bundle of the current size.</summary>
    public List<TileFile> PartialFiles()
    {
        var files = new List<TileFile>();
        for (var level = 0; level < _levels.Count; level++)
        {
            if (_levels[level].Count > 0)
                files.Add(new TileFile(Last(level).Path, Concatenate(_levels[level])));
        }

        if (_entries.Count > 0)
            files.Add(new TileFile(Last(0).EntriesPath, EntryBundle.Encode(_entries)));
        return files;
    }

    /// <summary>Takes note that the full tiles and bundles of a size are durable.</summary>
    public void MarkDurable(long size)
    {
        while (_finished.TryPeek(out var next) && next.Size <= size)
            _finished.Dequeue();
    }

    private void AddHash(int level, Digest hash)
    {
        if (_levels.Count == level)
            _levels.Add([]);
        var tile = _levels[level];
        tile.Add(hash);
        if (tile.Count < Tile.FullWidth)
            return;
        _finished.Enqueue((Size, new TileFile(Last(level).Path, Concatenate(tile))));
        var root = MerkleHash.CompleteTree(CollectionsMarshal.AsSpan(tile));
        tile.Clear();
        AddHash(level + 1, root);
    }

    /// <summary>The level's newest tile, full or partial.</summary>
    private Tile Last(int level)
    {
        var count = Size >> (8 * level);
        var index = (count - 1) / Tile.FullWidth;
        return new Tile(level, index, (int)(count - index * Tile.FullWidth));
    }

    private static void AddSubtreeRoots(List<Digest> roots, List<Digest> hashes)
    {
        for (int at = 0, left = hashes.Count; left > 0;)
        {
            var count = 1 << System.Numerics.BitOperations.Log2((uint)left);
            roots.Add(MerkleHash.CompleteTree(CollectionsMarshal.AsSpan(hashes).Slice(at, count)));
            at += count;
            left -= count;
        }
    }

    private static byte[] Concatenate(List<Digest> hashes)
    {
        var bytes = new byte[hashes.Count * Digest.Size];
        for (var i = 0; i < hashes.Count; i++)
            hashes[i].Span.CopyTo(bytes.AsSpan(i * Digest.Size));
        return bytes;
    }
}
