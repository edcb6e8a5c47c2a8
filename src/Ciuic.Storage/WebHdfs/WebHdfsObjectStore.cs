using System.Runtime.CompilerServices;
using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>
/// A bucket in a folder of an HDFS, through its HTTP interface. An object is written under a name of its own and then renamed: the
/// name node gives a name away once, and nobody sees half an object. Its retries are its own.
/// </summary>
public sealed class WebHdfsObjectStore : IObjectStore, IDisposable
{
    /// <summary>No writer that lives takes longer for one object.</summary>
    private static readonly TimeSpan LeftoverAge = TimeSpan.FromDays(1);

    private const int MaxListsAtOnce = 32;
    private const string IsFolder = "a folder has the object's name";

    private readonly WebHdfsPlace _place;
    private readonly WebHdfsFiles _files;
    private readonly TimeProvider _time;

    internal WebHdfsObjectStore(WebHdfsPlace place, WebHdfsOptions options, TimeProvider time)
    {
        (_place, _time) = (place, time);
        _files = new WebHdfsFiles(place, options, time);
        Location = $"webhdfs://{string.Join(",", place.NameNodes.Select(n => n.Authority))}{place.Root}";
    }

    /// <inheritdoc/>
    public string Location { get; }

    private string Temporaries => $"{_place.Root}/~tmp";

    /// <inheritdoc/>
    public Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel) => GuardAsync(
        key,
        async () =>
        {
            if (await LengthAsync(key, cancel) is not { } known)
                return null;
            var content = Array.Empty<byte>();
            try
            {
                if (known > 0) // older name nodes do not open an empty file
                    await _files.ReadAsync(_place.PathOf(key.Path), "", length => content = GC.AllocateUninitializedArray<byte>(length), cancel);
                return content;
            }
            catch (WebHdfsException error) when (error.IsNotFound)
            {
                if (await LengthAsync(key, cancel) is not null)
                    throw new IOException("the name node has the file, and does not find it when it is read", error);
                return null; // deleted meanwhile
            }
        },
        cancel);

    /// <inheritdoc/>
    public Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return GuardAsync<int?>(
            key,
            async () =>
            {
                if (await LengthAsync(key, cancel) is not { } length)
                    return null;
                if (offset >= length || buffer.Length == 0)
                    return 0;
                try
                {
                    return await _files.ReadAsync(_place.PathOf(key.Path), $"&offset={offset}&length={buffer.Length}", _ => buffer, cancel);
                }
                catch (WebHdfsException error) when (error.IsNotFound)
                {
                    if (await LengthAsync(key, cancel) is not null)
                        throw new IOException("the name node has the file, and does not find it when it is read", error);
                    return null; // deleted meanwhile
                }
            },
            cancel);
    }

    /// <inheritdoc/>
    public Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel) =>
        GuardAsync(key, () => LengthAsync(key, cancel), cancel);

    /// <inheritdoc/>
    public Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) => GuardAsync(
        key,
        async () => await IsTakenAsync(key, cancel) || !await WriteAsync(key, content, replace: false, cancel)
            ? CreateResult.AlreadyExists
            : CreateResult.Created,
        cancel);

    /// <inheritdoc/>
    public Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) => GuardAsync(
        key,
        async () => await WriteAsync(key, content, replace: true, cancel) ? true : throw new IOException(IsFolder),
        cancel);

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        var first = prefix[..(prefix.LastIndexOf('/') + 1)];
        var pending = new Stack<HdfsFolder>([new HdfsFolder(_place.PathOf(first).TrimEnd('/'), first)]);
        while (pending.Count > 0)
        {
            // A list is of one folder: many are asked for at once.
            var batch = Enumerable.Range(0, Math.Min(pending.Count, MaxListsAtOnce)).Select(_ => pending.Pop()).ToList();
            var lists = await GuardAsync($"List of '{prefix}'", () => Task.WhenAll(batch.Select(f => ListAsync(f, cancel))), cancel);
            foreach (var (folder, entry) in batch.Zip(lists).SelectMany(l => l.Second.Select(entry => (l.First, entry))))
            {
                if (entry.IsDirectory && WebHdfsPlace.IsShelf(entry.PathSuffix))
                    pending.Push(folder with { Path = $"{folder.Path}/{entry.PathSuffix}" });
                // What somebody else has put there under a name that no key can have is no object; nor is what is unfinished.
                if (!ObjectKey.TryParse(folder.Key + entry.PathSuffix, out var key) || !key.Path.StartsWith(prefix, StringComparison.Ordinal))
                    continue;
                if (entry.IsDirectory)
                    pending.Push(new HdfsFolder($"{folder.Path}/{entry.PathSuffix}", key.Path + "/"));
                else
                    yield return new ObjectInfo(key, entry.Length);
            }
        }
    }

    /// <inheritdoc/>
    public Task DeleteAsync(ObjectKey key, CancellationToken cancel) => GuardAsync(
        key,
        async () =>
        {
            if (await LengthAsync(key, cancel) is not null) // a folder of that name is no object
                await _files.DeleteAsync(_place.PathOf(key.Path), cancel);
            return true;
        },
        cancel);

    /// <inheritdoc/>
    public void Dispose() => _files.Dispose();

    /// <summary>Makes the folder where there is none, and clears it of what writers that died have left.</summary>
    internal async Task PrepareAsync(CancellationToken cancel)
    {
        await _files.MakeFolderAsync(Temporaries, cancel);
        var limit = await ServerTimeAsync(cancel) - (long)LeftoverAge.TotalMilliseconds;
        await foreach (var left in _files.ListAsync(Temporaries, cancel))
        {
            if (left.IsFile && left.ModificationTime < limit)
                await _files.DeleteAsync($"{Temporaries}/{left.PathSuffix}", cancel);
        }
    }

    /// <summary>Whether the folder is there.</summary>
    internal async Task<bool> ExistsAsync(CancellationToken cancel) => await _files.FindAsync(_place.Root, cancel) is { IsDirectory: true };

    /// <summary>Gives two files one name, one after the other, and the second one anew: what every create and put stands on.</summary>
    /// <returns>What the server does not do; null if it does all.</returns>
    internal async Task<string?> ProbeAsync(CancellationToken cancel)
    {
        var key = new ObjectKey($"probe/{NewName()}.probe"); // a name that ends in digits may stand in a folder of its own, which would stay
        try
        {
            if (!await WriteAsync(key, new byte[] { 1 }, replace: false, cancel) || await WriteAsync(key, new byte[] { 2 }, replace: false, cancel))
                return "it gives one name to two files";
            await WriteAsync(key, new byte[] { 3 }, replace: true, cancel);
            return await GetAsync(key, cancel) is [3] ? null : "it does not replace a file by renaming another";
        }
        finally
        {
            await _files.TryDeleteAsync(_place.PathOf(key.Path));
        }
    }

    /// <summary>The name node's clock, in milliseconds since 1970: this machine's may be wrong by days.</summary>
    private async Task<long> ServerTimeAsync(CancellationToken cancel)
    {
        var written = await _files.WriteAsync(() => $"{Temporaries}/{NewName()}", ReadOnlyMemory<byte>.Empty, cancel);
        var status = await _files.FindAsync(written, cancel);
        await _files.TryDeleteAsync(written);
        return status?.ModificationTime ?? throw new IOException("what was written is not there");
    }

    private async Task<List<HdfsStatus>> ListAsync(HdfsFolder folder, CancellationToken cancel)
    {
        var entries = new List<HdfsStatus>();
        await foreach (var entry in _files.ListAsync(folder.Path, cancel))
            entries.Add(entry);
        return entries;
    }

    private async Task<long?> LengthAsync(ObjectKey key, CancellationToken cancel) =>
        await _files.FindAsync(_place.PathOf(key.Path), cancel) is { IsFile: true } file ? file.Length : null;

    /// <summary>Whether there is an object already; saves sending its bytes again.</summary>
    private async Task<bool> IsTakenAsync(ObjectKey key, CancellationToken cancel)
    {
        var there = await _files.FindAsync(_place.PathOf(key.Path), cancel);
        return there is not { IsDirectory: true } ? there is not null : throw new IOException(IsFolder);
    }

    private async Task<bool> WriteAsync(ObjectKey key, ReadOnlyMemory<byte> content, bool replace, CancellationToken cancel)
    {
        var temporary = await _files.WriteAsync(() => $"{Temporaries}/{NewName()}", content, cancel);
        var isMoved = false;
        try
        {
            return isMoved = await MoveAsync(temporary, key, content, replace, cancel);
        }
        finally
        {
            // A rename whose answer never came may still be on its way, and this ends it: either the file is gone before it arrives, or
            // it has arrived and there is nothing left to delete.
            if (!isMoved)
                await _files.TryDeleteAsync(temporary);
        }
    }

    private async Task<bool> MoveAsync(string temporary, ObjectKey key, ReadOnlyMemory<byte> content, bool replace, CancellationToken cancel)
    {
        var target = _place.PathOf(key.Path);
        try
        {
            return await _files.MoveAsync(temporary, target, replace, cancel);
        }
        catch (WebHdfsException error) when (error.IsNotFound)
        {
            if (await _files.FindAsync(temporary, cancel) is null)
                return await IsThereAsync(key, content, cancel) ? true : throw new IOException("what was written is gone", error);
            await _files.MakeFolderAsync(target[..target.LastIndexOf('/')], cancel);
            return await _files.MoveAsync(temporary, target, replace, cancel);
        }
    }

    /// <summary>Whether an object has these bytes: ours, then, which a rename has put there whose answer was lost.</summary>
    private async Task<bool> IsThereAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        await GetAsync(key, cancel) is { } there && there.AsSpan().SequenceEqual(content.Span);

    private string NewName() => Guid.CreateVersion7(_time.GetUtcNow()).ToString("N");

    private Task<T> GuardAsync<T>(ObjectKey key, Func<Task<T>> call, CancellationToken cancel) => GuardAsync($"Object {key}", call, cancel);

    private async Task<T> GuardAsync<T>(string what, Func<Task<T>> call, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        try
        {
            return await call();
        }
        catch (Exception error) when (WebHdfsException.IsOne(error, cancel))
        {
            throw new UnavailableException($"{what} in {Location}: {WebHdfsException.ReasonOf(error)}.", error)
            {
                IsFull = error is WebHdfsException { IsQuota: true },
            };
        }
    }

    /// <summary>A folder of the cluster, and what the keys of the objects in it begin with.</summary>
    private sealed record HdfsFolder(string Path, string Key);
}
