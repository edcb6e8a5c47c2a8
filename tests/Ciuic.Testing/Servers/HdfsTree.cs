namespace Ciuic.Testing;

/// <summary>What goes wrong at a name node or data node: a Java exception, and the HTTP status that Hadoop gives it.</summary>
internal sealed class HdfsFault(int status, string kind, string message) : Exception(message)
{
    public int Status => status;

    public string Kind => kind;
}

/// <summary>A file or a folder.</summary>
internal sealed record HdfsFile(bool IsFolder, byte[] Content, DateTimeOffset At);

/// <summary>Files and folders by path, with the rules of HDFS.</summary>
internal sealed class HdfsTree
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, HdfsFile> _files = new(StringComparer.Ordinal) { ["/"] = Folder() };

    public IReadOnlyList<string> Paths
    {
        get
        {
            lock (_lock)
                return [.. _files.Keys];
        }
    }

    public HdfsFile Get(string path)
    {
        lock (_lock)
            return _files.GetValueOrDefault(path) ?? throw NotFound($"File does not exist: {path}");
    }

    public bool MakeFolder(string path)
    {
        lock (_lock)
        {
            foreach (var folder in AboveOf(path).Append(path))
            {
                if (!_files.TryAdd(folder, Folder()) && !_files[folder].IsFolder)
                    throw new HdfsFault(403, "ParentNotDirectoryException", $"{folder} (is not a directory)");
            }

            return true;
        }
    }

    public void Create(string path, bool overwrite)
    {
        lock (_lock)
        {
            if (_files.TryGetValue(path, out var there) && (there.IsFolder || !overwrite))
                throw Exists($"{path} for client 127.0.0.1 already exists");
            MakeFolder(ParentOf(path));
            _files[path] = new HdfsFile(false, [], DateTimeOffset.UtcNow);
        }
    }

    public void Append(string path, ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
            _files[path] = Get(path) with { Content = [.. Get(path).Content, .. bytes] };
    }

    /// <summary>The rename with options: says what is wrong.</summary>
    public void Rename(string path, string target, bool overwrite)
    {
        lock (_lock)
        {
            var file = _files.GetValueOrDefault(path) ?? throw NotFound($"rename source {path} is not found.");
            if (_files.TryGetValue(target, out var there) && (!overwrite || there.IsFolder))
                throw Exists($"rename destination {target} already exists");
            if (!_files.ContainsKey(ParentOf(target)))
                throw NotFound($"rename destination parent {ParentOf(target)} not found.");
            _files.Remove(path);
            _files[target] = file;
        }
    }

    /// <summary>The old rename: moves into a folder of that name, and says only that it could not.</summary>
    public bool TryRename(string path, string target)
    {
        lock (_lock)
        {
            if (_files.TryGetValue(target, out var there) && there.IsFolder)
                target += path[path.LastIndexOf('/')..];
            if (!_files.ContainsKey(path) || _files.ContainsKey(target) || !_files.ContainsKey(ParentOf(target)))
                return false;
            Rename(path, target, overwrite: false);
            return true;
        }
    }

    public bool Delete(string path)
    {
        lock (_lock)
        {
            if (_files.Keys.Any(p => p.StartsWith(path + "/", StringComparison.Ordinal)))
                throw new HdfsFault(403, "PathIsNotEmptyDirectoryException", $"{path} is non empty");
            return _files.Remove(path);
        }
    }

    public IReadOnlyList<(string Name, HdfsFile File)> List(string path)
    {
        lock (_lock)
        {
            if (!Get(path).IsFolder)
                return [("", Get(path))];
            var start = path.TrimEnd('/') + "/";
            return
            [
                .. _files.Where(f => f.Key.Length > start.Length && f.Key.StartsWith(start, StringComparison.Ordinal)
                        && f.Key.IndexOf('/', start.Length) < 0)
                    .Select(f => (f.Key[start.Length..], f.Value)),
            ];
        }
    }

    public void Write(string path, TimeSpan age)
    {
        lock (_lock)
        {
            MakeFolder(ParentOf(path));
            _files[path] = new HdfsFile(false, [1], DateTimeOffset.UtcNow - age);
        }
    }

    private static HdfsFile Folder() => new(true, [], DateTimeOffset.UtcNow);

    private static HdfsFault NotFound(string message) => new(404, "FileNotFoundException", message);

    private static HdfsFault Exists(string message) => new(403, "FileAlreadyExistsException", message);

    private static string ParentOf(string path) => path.LastIndexOf('/') is > 0 and var at ? path[..at] : "/";

    private static IEnumerable<string> AboveOf(string path)
    {
        for (var at = path.IndexOf('/', 1); at > 0; at = path.IndexOf('/', at + 1))
            yield return path[..at];
    }
}
