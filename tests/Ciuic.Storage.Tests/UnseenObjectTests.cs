using System.Runtime.InteropServices;
using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Storage.Tests;

/// <summary>
/// "There is no such object" is said only where it is plainly so. What cannot be seen is unavailable: people roll back for what is
/// missing.
/// </summary>
public sealed class UnseenObjectTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly ObjectKey Key = new("runs/a/3/manifest");

    private readonly TemporaryFolder _folder = new();
    private readonly FileObjectStore _store;

    public UnseenObjectTests() => _store = new FileObjectStore(_folder.File("store"));

    public static TheoryData<string, Func<IObjectStore, Task>> Questions => new()
    {
        { "get", store => store.GetAsync(Key, None) },
        { "range", store => store.GetRangeAsync(Key, 0, new byte[1], None) },
        { "length", store => store.GetLengthAsync(Key, None) },
        { "list", async store => await ListAsync(store, "runs/a/3/") },
        { "delete", store => store.DeleteAsync(Key, None) },
    };

    [Theory]
    [MemberData(nameof(Questions))]
    public async Task What_is_behind_a_link_that_leads_nowhere_is_unavailable(string what, Func<IObjectStore, Task> ask)
    {
        var folder = _folder.File("store/runs/a/3");
        foreach (var target in (string[])[folder, _folder.File("gone")]) // ELOOP, where a dead mount says ENOTCONN or ESTALE; a mount that is gone
        {
            await _store.CreateAsync(Key, new byte[] { 1 }, None);
            Directory.Delete(folder, recursive: true);
            File.CreateSymbolicLink(folder, target);
            var error = await Assert.ThrowsAsync<UnavailableException>(() => ask(_store));
            Assert.True(error.Message.Contains("runs/a/3", StringComparison.Ordinal), what);
            File.Delete(folder);
            _ = await Record.ExceptionAsync(() => _store.CreateAsync(Key, new byte[] { 1 }, None)); // its folder was gone
        }
    }

    [Theory]
    [MemberData(nameof(Questions))]
    public async Task An_empty_mount_point_is_unavailable_and_no_empty_store(string what, Func<IObjectStore, Task> ask)
    {
        await _store.CreateAsync(Key, new byte[] { 1 }, None);
        await ask(_store);
        Directory.Delete(_folder.File("store"), recursive: true);
        Directory.CreateDirectory(_folder.File("store"));
        var error = await Assert.ThrowsAsync<UnavailableException>(() => ask(_store));
        Assert.True(error.Message.Contains("mount", StringComparison.Ordinal), what);
        for (var tries = 0; tries < 2; tries++)
            await Assert.ThrowsAsync<UnavailableException>(() => _store.CreateAsync(Key, new byte[] { 1 }, None));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.File("store")));
    }

    [Theory]
    [MemberData(nameof(Questions))]
    public async Task A_store_whose_folder_is_gone_is_unavailable(string what, Func<IObjectStore, Task> ask)
    {
        Directory.Delete(_folder.File("store"), recursive: true);
        var error = await Assert.ThrowsAsync<UnavailableException>(() => ask(_store));
        Assert.True(error.Message.Contains("store", StringComparison.Ordinal), what);
    }

    [Fact]
    public async Task What_a_folder_or_a_file_above_it_makes_impossible_is_plainly_absent()
    {
        await _store.CreateAsync(Key, new byte[] { 1 }, None);
        foreach (var absent in (ObjectKey[])[new("runs/a/3"), new("runs/a/3/manifest/x"), new("runs/b/1/manifest"), new("runs/a/3/other")])
        {
            Assert.Null(await _store.GetAsync(absent, None));
            Assert.Null(await _store.GetLengthAsync(absent, None));
        }

        Assert.Empty(await ListAsync(_store, "runs/b/"));
        Assert.Empty(await ListAsync(_store, "runs/a/3/manifest/"));
    }

    [Fact]
    public async Task What_an_ordinary_user_may_not_enter_is_not_absent()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("permissions are those of Linux here");
        await _store.CreateAsync(Key, new byte[] { 1 }, None);
        foreach (var folder in new DirectoryInfo(_folder.Path).EnumerateDirectories("*", SearchOption.AllDirectories).Append(new DirectoryInfo(_folder.Path)))
            folder.UnixFileMode = OpenToAll;
        var closed = new DirectoryInfo(_folder.File("store/runs/a/3"));
        closed.UnixFileMode = UnixFileMode.None;
        var root = new StoreRoot(_folder.File("store"));
        Exception?[] errors = [];
        // Root may enter everything; a thread of root's can have its files looked at as somebody else's.
        var ordinary = new Thread(() =>
        {
            _ = SetFileUser(65_534);
            errors =
            [
                Record.Exception(() => root.TryOpen(Key)),
                Record.Exception(() => root.TryOpen(new ObjectKey("runs/a/3/never"))),
                Record.Exception(() => root.TryFindFolder(Path.Combine(closed.FullName, "deeper"))),
                Record.Exception(() => root.TryFindFolder(closed.FullName)?.EnumerateFiles().Count()),
                Record.Exception(() => Assert.Null(root.TryOpen(new ObjectKey("runs/b/1/manifest")))),
            ];
        });
        ordinary.Start();
        ordinary.Join();
        closed.UnixFileMode = OpenToAll;
        Assert.All(errors[..4], error => Assert.IsType<UnauthorizedAccessException>(error));
        Assert.Null(errors[4]);
    }

    public void Dispose() => _folder.Dispose();

    private const UnixFileMode OpenToAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    [DllImport("libc", EntryPoint = "setfsuid")]
    private static extern int SetFileUser(uint user);

    private static async Task<List<ObjectKey>> ListAsync(IObjectStore store, string prefix)
    {
        var keys = new List<ObjectKey>();
        await foreach (var found in store.ListAsync(prefix, None))
            keys.Add(found.Key);
        return keys;
    }
}
