using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Storage.Tests;

public sealed class FileObjectStoreTests : StoreConformance, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public FileObjectStoreTests() => Store = new FileObjectStore(_folder.File("store"));

    protected override IObjectStore Store { get; }

    [Fact]
    public async Task A_temporary_file_left_by_a_dead_process_is_no_object_and_is_cleaned()
    {
        var left = _folder.File("store/~tmp/left");
        Directory.CreateDirectory(Path.GetDirectoryName(left)!);
        await File.WriteAllBytesAsync(left, [1]);
        await foreach (var found in Store.ListAsync("", CancellationToken.None))
            Assert.Fail($"{found.Key} was listed");
        var store = (FileObjectStore)Store;
        Assert.Equal(0, store.DeleteTemporaryFiles(DateTimeOffset.UtcNow.AddHours(-1)));
        Assert.Equal(1, store.DeleteTemporaryFiles(DateTimeOffset.UtcNow.AddHours(1)));
        Assert.False(File.Exists(left));
    }

    [Fact]
    public void A_silo_that_starts_deletes_unfinished_files_older_than_an_hour()
    {
        var folder = Directory.CreateDirectory(_folder.File("store/~tmp")).FullName;
        var (old, young) = (Path.Combine(folder, "old"), Path.Combine(folder, "young"));
        foreach (var file in new[] { old, young })
            File.WriteAllBytes(file, [1]);
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddHours(-2));
        Assert.Equal(1, new StoreOptions { Uri = $"file:{_folder.File("store")}" }.DeleteLeftovers(TimeProvider.System));
        Assert.True(File.Exists(young));
    }

    [Fact]
    public async Task No_temporary_file_is_left_behind()
    {
        var key = new ObjectKey("a/b");
        await Store.CreateAsync(key, Bytes(1, 10), CancellationToken.None);
        await Store.CreateAsync(key, Bytes(2, 10), CancellationToken.None);
        await Store.PutAsync(key, Bytes(3, 10), CancellationToken.None);
        Assert.Empty(Directory.EnumerateFiles(_folder.File("store/~tmp")));
    }

    [Fact]
    public async Task A_folder_where_an_object_should_be_is_unavailable_and_named()
    {
        Directory.CreateDirectory(_folder.File("store/a/b"));
        var error = await Assert.ThrowsAsync<UnavailableException>(() =>
            Store.CreateAsync(new ObjectKey("a/b"), Bytes(1, 1), CancellationToken.None));
        Assert.Contains("a/b", error.Message);
    }

    [Fact]
    public void A_store_that_cannot_be_opened_is_unavailable_and_named()
    {
        File.WriteAllText(_folder.File("file"), "");
        var error = Assert.Throws<UnavailableException>(() => new FileObjectStore(_folder.File("file/store")));
        Assert.Contains("file/store", error.Message);
    }

    [Fact]
    public async Task A_store_whose_folders_are_removed_while_open_works_again()
    {
        var key = new ObjectKey("a/b");
        await Store.CreateAsync(key, Bytes(1, 1), CancellationToken.None);
        Directory.Delete(_folder.File("store/a"), recursive: true);
        await Assert.ThrowsAsync<UnavailableException>(() => Store.CreateAsync(key, Bytes(1, 1), CancellationToken.None));
        Assert.Equal(CreateResult.Created, await Store.CreateAsync(key, Bytes(1, 1), CancellationToken.None));
    }

    [Fact]
    public void Folders_are_not_remembered_for_ever()
    {
        var root = new StoreRoot(_folder.File("store"), maxRemembered: 20);
        for (var i = 0; i < 50; i++)
            root.EnsureDirectory(_folder.File($"store/runs/r{i}"));
        Assert.InRange(root.Remembered, 1, 20);
    }

    [Fact]
    public async Task Where_case_is_ignored_a_run_does_not_get_another_ones_folder()
    {
        await Store.CreateAsync(new ObjectKey("runs/Llama/1/manifest"), Bytes(1, 1), CancellationToken.None);
        var root = new StoreRoot(_folder.File("store"), ignoresCase: true);
        var error = Assert.Throws<InvalidInputException>(() => root.PathOf(new ObjectKey("runs/llama/1/manifest")));
        Assert.Contains("'Llama'", error.Message);
        root.PathOf(new ObjectKey("runs/Llama/2/manifest"));
        root.PathOf(new ObjectKey("runs/llama-2/1/manifest"));
        var found = new StoreRoot(_folder.File("store")); // here case counts
        found.PathOf(new ObjectKey("runs/llama/1/manifest"));
    }

    [Theory]
    [InlineData(256 << 10)]
    [InlineData((256 << 10) + 1)]
    [InlineData((1 << 20) - 1)]
    [InlineData((1 << 20) + 4_095)]
    public async Task Large_objects_written_past_the_page_cache_read_back_as_they_were(int length)
    {
        var store = new FileObjectStore(_folder.File("store"), DirectWrites.On);
        var content = AtPage(length);
        new Random(length).NextBytes(content.Span);
        await store.CreateAsync(new ObjectKey("a/b"), content, CancellationToken.None);
        Assert.Equal(content.ToArray(), await store.GetAsync(new ObjectKey("a/b"), CancellationToken.None));
        await store.PutAsync(new ObjectKey("a/b"), content[1..], CancellationToken.None); // begins at no page
        Assert.Equal(content[1..].ToArray(), await store.GetAsync(new ObjectKey("a/b"), CancellationToken.None));
        Assert.Empty(Directory.EnumerateFiles(_folder.File("store/~tmp")));
    }

    [Fact]
    public void Direct_writes_are_direct_and_what_begins_at_no_page_is_not()
    {
        var content = AtPage(1 << 20);
        Assert.False(DirectFile.Suits(content.Span[1..]));
        Assert.False(DirectFile.Suits(content.Span[..1_000])); // the page cache is as fast
        if (!DirectFile.Suits(content.Span))
            Assert.Skip("This system has no direct writes.");
        new Random(1).NextBytes(content.Span);
        if (!DirectFile.TryWrite(_folder.File("direct"), content.Span[..^1]))
            Assert.Skip("This file system has no direct writes.");
        Assert.Equal(content[..^1].ToArray(), File.ReadAllBytes(_folder.File("direct")));
        Assert.Throws<DirectoryNotFoundException>(() => DirectFile.TryWrite(_folder.File("no/such/folder"), AtPage(1 << 20).Span));
    }

    [Fact]
    public async Task More_writes_at_once_than_there_are_disk_threads_all_come_to_an_end()
    {
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i =>
            Store.CreateAsync(new ObjectKey($"many/{i}"), Bytes(1, 10), CancellationToken.None)));
        Assert.Equal(200, Directory.EnumerateFiles(_folder.File("store/many")).Count());
    }

    [Theory]
    [InlineData("s3//x")]
    [InlineData("file:")]
    [InlineData("folder")]
    public void A_URI_of_no_store_is_refused(string uri) =>
        Assert.Throws<InvalidInputException>(() => StoreUri.Open(uri));

    public void Dispose() => _folder.Dispose();

    /// <summary>Zeros in memory that begins at a page and stays there.</summary>
    private static Memory<byte> AtPage(int length)
    {
        const int page = 4_096;
        var array = GC.AllocateArray<byte>(length + page, pinned: true);
        var address = System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(array, 0);
        return array.AsMemory((int)(-address & (page - 1)), length);
    }
}
