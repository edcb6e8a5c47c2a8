using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Storage.Tests;

public sealed class FullDiskTests : IDisposable
{
    private readonly SmallDisk _disk = new(4 << 20);

    public void Dispose() => _disk.Dispose();

    [Theory]
    [InlineData(DirectWrites.Off)]
    [InlineData(DirectWrites.On)]
    public async Task On_a_full_disk_nothing_is_visible_that_is_not_whole_and_later_all_goes_on(DirectWrites direct)
    {
        var store = new FileObjectStore(Path.Combine(_disk.Path, "store"), direct);
        var (kept, refused) = (new ObjectKey("chunks/aa/kept"), new ObjectKey("chunks/bb/refused"));
        var frame = new PageBuffer();
        frame.Reserve(1 << 20);
        var content = frame.Memory[..(1 << 20)];
        new Random(1).NextBytes(content.Span);
        await store.CreateAsync(kept, content[..1_000], CancellationToken.None);
        var fill = _disk.Fill();

        var error = await Assert.ThrowsAsync<UnavailableException>(() => store.CreateAsync(refused, content, CancellationToken.None));
        Assert.Contains("chunks/bb/refused", error.Message);
        Assert.True(error.Message.Contains("space") || error.Message.Contains("full"), error.Message);
        await Assert.ThrowsAsync<UnavailableException>(() => store.PutAsync(kept, content, CancellationToken.None));
        Assert.Null(await store.GetLengthAsync(refused, CancellationToken.None));
        Assert.Equal(content[..1_000].ToArray(), await store.GetAsync(kept, CancellationToken.None));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_disk.Path, "store", "~tmp")));

        File.Delete(fill);
        Assert.Equal(CreateResult.Created, await store.CreateAsync(refused, content, CancellationToken.None));
        Assert.Equal(content.ToArray(), await store.GetAsync(refused, CancellationToken.None));
    }
}
