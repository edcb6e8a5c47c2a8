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

    [Theory]
    [InlineData("s3//x")]
    [InlineData("file:")]
    [InlineData("folder")]
    public void A_URI_of_no_store_is_refused(string uri) =>
        Assert.Throws<InvalidInputException>(() => StoreUri.Open(uri));

    public void Dispose() => _folder.Dispose();
}
