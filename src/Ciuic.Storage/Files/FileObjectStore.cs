using System.Runtime.CompilerServices;
using Ciuic.Core;
using Microsoft.Win32.SafeHandles;

namespace Ciuic.Storage;

/// <summary>
/// A bucket in a folder: each object is a file. Bytes are written and flushed under a temporary name, then
/// published by link (create) or rename (put), then the directory is flushed. A process that dies in between
/// leaves a temporary file and nothing else.
/// </summary>
public sealed class FileObjectStore : IObjectStore
{
    /// <summary>Holds unfinished files; no object key can begin like this.</summary>
    internal const string TemporaryFolder = "~tmp";

    private readonly string _root;
    private readonly DiskThreads _threads = new(); // its own: a mount that hangs holds up no other store
    private readonly WriteChoice _choice;
    private readonly TimeProvider _time;
    private readonly StoreRoot _place;

    /// <summary>Opens the folder, creating it where there is none.</summary>
    /// <param name="root">The folder.</param>
    /// <param name="direct">Whether large objects are written past the page cache; only those whose memory begins at a page can be.</param>
    /// <param name="time">Measures which way is faster; null for the system's clock.</param>
    /// <exception cref="UnavailableException">The folder cannot be created.</exception>
    public FileObjectStore(string root, DirectWrites direct = DirectWrites.Auto, TimeProvider? time = null)
    {
        _root = Path.GetFullPath(root);
        _place = new StoreRoot(_root);
        (_choice, _time) = (new WriteChoice(direct), time ?? TimeProvider.System);
        Guard("open", () => Directory.CreateDirectory(_root));
    }

    /// <inheritdoc/>
    public string Location => $"file:{_root}";

    /// <inheritdoc/>
    public Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel) => GuardAsync<byte[]?>(key, cancel, () =>
    {
        using var file = _place.TryOpen(key);
        if (file is null)
            return null;
        var content = GC.AllocateUninitializedArray<byte>(checked((int)RandomAccess.GetLength(file)));
        var read = ReadFully(file, 0, content);
        return read == content.Length ? content : content[..read];
    });

    /// <inheritdoc/>
    public Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel) =>
        GuardAsync<int?>(key, cancel, () =>
        {
            ArgumentOutOfRangeException.ThrowIfNegative(offset);
            using var file = _place.TryOpen(key);
            return file is null ? null : ReadFully(file, offset, buffer.Span);
        });

    /// <inheritdoc/>
    public Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel) => GuardAsync(key, cancel, () =>
    {
        using var file = _place.TryOpen(key); // its length alone would come without saying why it is not there
        return file is null ? null : (long?)RandomAccess.GetLength(file);
    });

    /// <inheritdoc/>
    public Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        GuardAsync(key, cancel, () =>
        {
            var path = _place.PathOf(key);
            if (File.Exists(path))
            {
                // The creator before us may have died between publishing and flushing: what we report as
                // existing must be as durable as what we report as created.
                DurableFiles.FlushDirectory(Path.GetDirectoryName(path)!);
                return CreateResult.AlreadyExists;
            }

            return WriteAndPublish(path, content.Span, replace: false) ? CreateResult.Created : CreateResult.AlreadyExists;
        });

    /// <inheritdoc/>
    public Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        GuardAsync(key, cancel, () => WriteAndPublish(_place.PathOf(key), content.Span, replace: true));

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        // The folder part of the prefix bounds the walk; the rest is compared.
        var slash = prefix.LastIndexOf('/');
        var folder = slash <= 0 ? _root : _place.PathOf(new ObjectKey(prefix[..slash]));
        using var walk = new FolderWalk(_root, prefix);
        while (await GuardAsync($"List of '{prefix}'", cancel, () => walk.Next(() => _place.TryFindFolder(folder))) is { Count: > 0 } page)
        {
            foreach (var found in page)
                yield return found;
        }
    }

    /// <inheritdoc/>
    public Task DeleteAsync(ObjectKey key, CancellationToken cancel) => GuardAsync(key, cancel, () =>
    {
        using (var there = _place.TryOpen(key))
        {
            if (there is null)
                return false;
        }

        var path = _place.PathOf(key);
        File.Delete(path);
        DurableFiles.FlushDirectory(Path.GetDirectoryName(path)!);
        return true;
    });

    /// <summary>Deletes unfinished files last written before the given time: left by processes that died.</summary>
    /// <returns>The number of files deleted.</returns>
    public int DeleteTemporaryFiles(DateTimeOffset writtenBefore)
    {
        var folder = new DirectoryInfo(Path.Combine(_root, TemporaryFolder));
        if (!folder.Exists)
            return 0;
        var stale = folder.EnumerateFiles()
            .Where(f => f.LastWriteTimeUtc < writtenBefore.UtcDateTime)
            .ToList();
        Guard("clean", () => stale.ForEach(f => f.Delete()));
        return stale.Count;
    }

    private bool WriteAndPublish(string path, ReadOnlySpan<byte> content, bool replace)
    {
        var temporary = Path.Combine(_root, TemporaryFolder, Path.GetRandomFileName());
        try
        {
            _place.EnsureDirectory(Path.GetDirectoryName(temporary)!);
            Write(temporary, content);
            _place.EnsureDirectory(Path.GetDirectoryName(path)!);
            var published = true;
            if (replace)
                File.Move(temporary, path, overwrite: true); // rename(2): readers see the old bytes or the new
            else
                published = DurableFiles.TryPublish(temporary, path);
            // Dying here loses at most the name; the caller has not been answered, so nothing was promised.
            DurableFiles.FlushDirectory(Path.GetDirectoryName(path)!);
            return published;
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private void Write(string path, ReadOnlySpan<byte> content)
    {
        if (!DirectFile.Suits(content))
        {
            DurableFiles.Write(path, content);
            return;
        }

        var (begin, direct) = (_time.GetTimestamp(), _choice.NextIsDirect());
        if (!direct || !DirectFile.TryWrite(path, content))
            DurableFiles.Write(path, content);
        _choice.Took(direct, _time.GetElapsedTime(begin), content.Length);
    }

    private static int ReadFully(SafeFileHandle file, long offset, Span<byte> buffer)
    {
        var total = 0;
        while (total < buffer.Length)
        {
            var read = RandomAccess.Read(file, buffer[total..], offset + total);
            if (read == 0)
                break;
            total += read;
        }

        return total;
    }

    private void Guard(string verb, Action action)
    {
        try
        {
            action();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UnavailableException($"Cannot {verb} the store {Location}: {error.Message}", error);
        }
    }

    /// <summary>ENOSPC or EDQUOT, or what Windows calls them; where .NET reserves room for a file it says so in words alone.</summary>
    private static bool IsFull(Exception error) => error.GetBaseException() is IOException cause
        && (cause.HResult is 28 or 122 or unchecked((int)0x80070070) || cause.Message.Contains("disk was full", StringComparison.Ordinal));

    private Task<T> GuardAsync<T>(ObjectKey key, CancellationToken cancel, Func<T> action) =>
        GuardAsync($"Object {key}", cancel, action);

    private async Task<T> GuardAsync<T>(string what, CancellationToken cancel, Func<T> action)
    {
        try
        {
            return await _threads.RunAsync(action, cancel);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or UnavailableException or TaskSchedulerException)
        {
            _place.Forget();
            throw new UnavailableException($"{what} in {Location}: {error.Message}", error) { IsFull = IsFull(error) };
        }
    }
}
