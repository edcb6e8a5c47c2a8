using Ciuic.Core;

namespace Ciuic.Core.Tests;

public sealed class TileTests
{
    [Theory]
    [InlineData(0, "000")]
    [InlineData(999, "999")]
    [InlineData(1000, "x001/000")]
    [InlineData(1234067, "x001/x234/067")]
    public void A_tile_index_is_spelled_in_groups_of_three_digits(long index, string path) =>
        Assert.Equal($"tile/0/{path}", new Tile(0, index, 256).Path);

    [Theory]
    [InlineData("tile/0/000", 0, 0, 256)]
    [InlineData("tile/3/x001/x234/067", 3, 1_234_067, 256)]
    [InlineData("tile/1/000.p/7", 1, 0, 7)]
    [InlineData("tile/entries/x001/002.p/255", 0, 1_002, 255)]
    public void A_path_names_its_tile(string path, int level, long index, int width)
    {
        Assert.True(TileLayout.TryParse(path, out var tile));
        Assert.Equal(new Tile(level, index, width), tile);
    }

    [Theory]
    [InlineData("tile/0/00")]
    [InlineData("tile/0/1000")]
    [InlineData("tile/00/000")]
    [InlineData("tile/9/000")]
    [InlineData("tile/0/001/000")]
    [InlineData("tile/0/x000/000")]
    [InlineData("tile/0/000.p/0")]
    [InlineData("tile/0/000.p/256")]
    [InlineData("tile/0/000.p/07")]
    [InlineData("tile/0")]
    [InlineData("tiles/0/000")]
    public void A_path_that_no_tile_has_is_none(string path) => Assert.False(TileLayout.TryParse(path, out _));

    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(70_000)]
    public void Proofs_from_tiles_are_those_of_the_definition(int size)
    {
        var files = new Dictionary<string, byte[]>();
        var builder = new TileBuilder();
        var leaves = MerkleTests.Leaves(size);
        for (var i = 0; i < size; i++)
            builder.Append([], leaves[i]);
        Publish(builder, files);
        Digest FromTiles(long begin, long end)
        {
            var hashes = new TileHashes(size);
            foreach (var tile in hashes.Needed([(begin, end)]))
                hashes.Add(tile, files[tile.Path]);
            return hashes.Root(begin, end);
        }

        var random = new Random(size);
        var root = MerkleTests.RootOf(leaves, 0, size);
        for (var i = 0; i < 20; i++)
        {
            var index = i == 0 ? size - 1 : random.Next(size);
            var inclusion = MerkleProofs.Inclusion(index, size, FromTiles);
            Assert.True(MerkleProofs.VerifyInclusion(index, size, leaves[index], root, inclusion));
            var consistency = MerkleProofs.Consistency(index + 1, size, FromTiles);
            Assert.True(MerkleProofs.VerifyConsistency(index + 1, size, MerkleTests.RootOf(leaves, 0, index + 1), root, consistency));
        }
    }

    [Fact]
    public void A_partial_tile_names_its_width()
    {
        Assert.Equal("tile/1/000.p/7", new Tile(1, 0, 7).Path);
        Assert.Equal("tile/entries/002.p/255", new Tile(0, 2, 255).EntriesPath);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(600)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    public void Files_published_along_the_way_hold_exactly_the_tree(int size)
    {
        var files = new Dictionary<string, byte[]>();
        var builder = new TileBuilder();
        var leaves = MerkleTests.Leaves(size);
        for (var i = 0; i < size; i++)
        {
            builder.Append(BitConverter.GetBytes(i), leaves[i]);
            if (i % 101 == 0 || i == size - 1)
                Publish(builder, files);
        }

        Assert.Equal(leaves, ReadLevel(files, 0, size));
        Assert.Equal(Enumerable.Range(0, size), ReadEntries(files, size));
        var level1 = leaves.Chunk(256).Where(c => c.Length == 256).Select(c => MerkleTests.RootOf(c, 0, 256)).ToArray();
        Assert.Equal(level1, ReadLevel(files, 1, size >> 8));
        Assert.Equal(builder.Frontier().Root, MerkleTests.RootOf(leaves, 0, size));
    }

    [Theory]
    [InlineData(1, 300)]
    [InlineData(255, 257)]
    [InlineData(256, 257)]
    [InlineData(511, 1_000)]
    public void A_builder_that_resumes_gives_the_same_files(int published, int size)
    {
        var leaves = MerkleTests.Leaves(size);
        var whole = new TileBuilder();
        var levels = new List<List<Digest>>();
        for (var i = 0; i < published; i++)
            whole.Append(BitConverter.GetBytes(i), leaves[i]);
        whole.MarkDurable(published);
        for (var level = 0; level < TileBuilder.LevelCount(published); level++)
            levels.Add(PartialOf(leaves, published, level));
        var entries = Enumerable.Range(published - published % 256, published % 256).Select(BitConverter.GetBytes).ToList();
        var resumed = TileBuilder.Resume(published, levels, entries);
        for (var i = published; i < size; i++)
        {
            whole.Append(BitConverter.GetBytes(i), leaves[i]);
            resumed.Append(BitConverter.GetBytes(i), leaves[i]);
        }

        Assert.Equal(whole.UnpublishedFiles().Select(f => f.Path), resumed.UnpublishedFiles().Select(f => f.Path));
        Assert.Equal(whole.UnpublishedFiles().SelectMany(f => f.Content), resumed.UnpublishedFiles().SelectMany(f => f.Content));
        Assert.Equal(whole.Frontier().Root, resumed.Frontier().Root);
    }

    [Fact]
    public void A_builder_refuses_partial_tiles_of_another_size() =>
        Assert.Throws<InvalidInputException>(() => TileBuilder.Resume(3, [MerkleTests.Leaves(2).ToList()], []));

    [Fact]
    public void An_entry_bundle_that_ends_within_an_entry_is_refused()
    {
        var bundle = EntryBundle.Encode([[1, 2, 3], []]);
        Assert.Equal([3, 0], EntryBundle.Decode(bundle).Select(e => e.Length));
        Assert.Throws<CorruptException>(() => EntryBundle.Decode(bundle.AsSpan(0, 4)));
        Assert.Throws<CorruptException>(() => EntryBundle.Decode(bundle.AsSpan(0, 6)));
    }

    private static void Publish(TileBuilder builder, Dictionary<string, byte[]> files)
    {
        foreach (var file in builder.UnpublishedFiles())
        {
            // What is published is never published with other bytes.
            Assert.True(files.TryAdd(file.Path, file.Content) || files[file.Path].AsSpan().SequenceEqual(file.Content));
        }

        builder.MarkDurable(builder.Size);
    }

    private static List<Digest> PartialOf(Digest[] leaves, int size, int level)
    {
        var nodes = leaves.Take(size).ToArray();
        for (var i = 0; i < level; i++)
            nodes = nodes.Chunk(256).Where(c => c.Length == 256).Select(c => MerkleTests.RootOf(c, 0, 256)).ToArray();
        return nodes.Skip(nodes.Length - nodes.Length % 256).ToList();
    }

    private static Digest[] ReadLevel(Dictionary<string, byte[]> files, int level, int count) => Tiles(level, count)
        .SelectMany(tile => files[tile.Path].Chunk(Digest.Size))
        .Select(hash => new Digest(hash))
        .ToArray();

    private static IEnumerable<int> ReadEntries(Dictionary<string, byte[]> files, int count) => Tiles(0, count)
        .SelectMany(tile => EntryBundle.Decode(files[tile.EntriesPath]))
        .Select(entry => BitConverter.ToInt32(entry));

    private static IEnumerable<Tile> Tiles(int level, int count)
    {
        for (var index = 0; index * 256 < count; index++)
            yield return new Tile(level, index, Math.Min(256, count - index * 256));
    }
}
