using System.Collections.Concurrent;
using Ciuic.Core;
using Microsoft.Win32.SafeHandles;

namespace Ciuic.Storage;

/// <summary>
/// The folder of a store, and what its file system's answers mean. "There is no such object" is acted on for good, so it is said only
/// where the file system says plainly that the last part of the path is not there, in a folder that can be seen: no permission, a
/// dead mount, or a mount point without its mount are no absence.
/// </summary>
/// <param name="path">The folder, in full.</param>
/// <param name="ignoresCase">Whether the file system ignores case; null to find out.</param>
/// <param name="maxRemembered">Folders remembered as durable: a store has one for each snapshot, so not all of them are.</param>
internal sealed class StoreRoot(string path, bool? ignoresCase = null, int maxRemembered = 10_000)
{
    private readonly ConcurrentDictionary<string, bool> _flushed = new(StringComparer.Ordinal);
    private readonly RunFolders _runs = new(path, ignoresCase);
    private volatile bool _hadSomething;

    /// <summary>Number of folders remembered as durable.</summary>
    internal int Remembered => _flushed.Count;

    /// <summary>The file of an object.</summary>
    /// <exception cref="InvalidInputException">It would be another run's.</exception>
    public string PathOf(ObjectKey key)
    {
        _runs.Require(key);
        return Path.Combine(path, key.Path);
    }

    /// <summary>Opens an object to read it; null where there plainly is none.</summary>
    /// <exception cref="IOException">It cannot be seen whether there is one.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public SafeFileHandle? TryOpen(ObjectKey key)
    {
        var file = PathOf(key);
        try
        {
            var handle = File.OpenHandle(file);
            _hadSomething = true;
            return handle;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            RequirePlainlyAbsent(file);
            return null;
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            // A folder of that name, or a file where a folder would have to be: that is seen, and is no object.
            if (Directory.Exists(file) || IsBelowFile(file))
                return null;
            throw;
        }
    }

    /// <summary>The folder to list; null where there plainly is none.</summary>
    /// <exception cref="IOException">It cannot be seen whether there is one.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public DirectoryInfo? TryFindFolder(string folder)
    {
        try
        {
            var found = File.GetAttributes(folder);
            if (found.HasFlag(FileAttributes.Directory))
                return new DirectoryInfo(folder);
            return found.HasFlag(FileAttributes.ReparsePoint) ? throw DeadLink(folder) : null;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            RequirePlainlyAbsent(folder);
            return null;
        }
    }

    /// <summary>
    /// A new directory is durable only when its parents' entries are flushed, up to the root. Who made it may have died before
    /// that, so each is flushed once by each process.
    /// </summary>
    public void EnsureDirectory(string directory)
    {
        if (directory.Length <= path.Length || _flushed.ContainsKey(directory))
            return;
        var parent = Path.GetDirectoryName(directory)!;
        EnsureDirectory(parent);
        RequireMounted(); // or a store would begin anew below a mount point, unseen once the mount is back
        Directory.CreateDirectory(directory);
        DurableFiles.FlushDirectory(parent);
        if (_flushed.Count >= maxRemembered)
            _flushed.Clear(); // flushed once more each: cheaper than to remember every snapshot's folder for ever
        (_flushed[directory], _hadSomething) = (true, true);
    }

    /// <summary>Remembers nothing: somebody may have removed a folder under us, which is made again then.</summary>
    public void Forget() => _flushed.Clear();

    /// <summary>
    /// The file system has said ENOENT, so every folder above was entered as far as they are there. What is left: the store's own is not
    /// there, or one on the way is a link to a place that is not there now.
    /// </summary>
    private void RequirePlainlyAbsent(string absent)
    {
        RequireMounted();
        for (var at = absent; at.Length > path.Length && !Directory.Exists(at); at = Path.GetDirectoryName(at)!)
        {
            if (new FileInfo(at).LinkTarget is not null)
                throw DeadLink(at);
        }
    }

    private static IOException DeadLink(string link) => new($"'{link}' is a link to a place that is not there: is its mount gone?");

    /// <summary>The store's own folder is there, and is the one that it was.</summary>
    private void RequireMounted()
    {
        // Throws where it is not there, may not be read or does not answer.
        using var entries = Directory.EnumerateFileSystemEntries(path).GetEnumerator();
        var hasSomething = entries.MoveNext();
        if (_hadSomething && !hasSomething)
            throw new IOException($"'{path}' is empty, and was not before: is it a mount point, and its mount gone?");
        _hadSomething |= hasSomething;
    }

    private bool IsBelowFile(string file)
    {
        for (var at = Path.GetDirectoryName(file)!; at.Length > path.Length; at = Path.GetDirectoryName(at)!)
        {
            if (File.Exists(at))
                return new FileInfo(at).LinkTarget is null;
        }

        return false;
    }
}
