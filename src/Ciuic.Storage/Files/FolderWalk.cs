using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>Lists the objects below a folder, a page at a time, so that no page holds up a thread for long.</summary>
/// <param name="root">The store's folder.</param>
/// <param name="prefix">How the keys that are wanted begin.</param>
internal sealed class FolderWalk(string root, string prefix) : IDisposable
{
    private const int PageSize = 1_000;

    private static readonly EnumerationOptions Exactly = new()
    {
        MatchCasing = MatchCasing.CaseSensitive,
        IgnoreInaccessible = false, // what may not be read is not to be taken for empty
        AttributesToSkip = 0,
    };

    private IEnumerator<FileInfo>? _files;

    /// <summary>The next objects; none at the end. Blocks while the disk is read.</summary>
    /// <param name="find">Finds the folder, at the first call; null where there is none.</param>
    public List<ObjectInfo> Next(Func<DirectoryInfo?> find)
    {
        var page = new List<ObjectInfo>();
        if (_files is null && find() is { } folder)
            _files = FilesIn(folder).GetEnumerator();
        while (page.Count < PageSize && _files?.MoveNext() == true)
        {
            var path = Path.GetRelativePath(root, _files.Current.FullName).Replace(Path.DirectorySeparatorChar, '/');
            // What somebody else has put there under a name that no key can have is no object.
            if (path.StartsWith(prefix, StringComparison.Ordinal) && ObjectKey.TryParse(path, out var key) && LengthOf(_files.Current) is { } length)
                page.Add(new ObjectInfo(key, length));
        }

        return page;
    }

    /// <summary>
    /// Goes into no folder whose name says that nothing wanted is in it: a ledger's kept tree heads are found without reading the names of
    /// all its blocks.
    /// </summary>
    private IEnumerable<FileInfo> FilesIn(DirectoryInfo folder)
    {
        var name = prefix[(prefix.LastIndexOf('/') + 1)..] + "*";
        return folder.EnumerateFiles(name, Exactly)
            .Concat(folder.EnumerateDirectories(name, Exactly).SelectMany(d => d.EnumerateFiles("*", SearchOption.AllDirectories)));
    }

    private static long? LengthOf(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (FileNotFoundException)
        {
            return null; // deleted meanwhile
        }
    }

    public void Dispose() => _files?.Dispose();
}
